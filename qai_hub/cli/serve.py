"""`qai-hub serve`: runs a local hub until it is interrupted."""

import dataclasses
import errno
import json
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import quote, urlsplit

import click

from qai_hub.cli.common import (
    USERS_VARIABLE,
    CommandError,
    User,
    parse_user,
    parse_users,
    print_error,
    print_line,
    read_secret_file,
    users_from_environment,
)
from qai_hub.cli.completion import complete_files
from qai_hub.cli.groups import HubCommand
from qai_hub.cli.hub_process import (
    ProcessOptions,
    SettingType,
    database_option,
    describe_place,
    end_at_next_signal,
    prepare_process,
    print_capabilities,
    process_options,
    receive_signals,
    refusals,
)
from qai_hub.cli.invocation import Invocation
from qai_hub.cli.output import is_terminal
from qai_hub.cli.parameters import data_dir_option
from qai_hub.config import ClientConfig, load_config, profile_path, save_config
from qai_hub.config.model import replace_config
from qai_hub.errors import UserError

if TYPE_CHECKING:
    from qai_hub.local import LocalHub


class UserType(click.ParamType[User]):
    """A user, whose token no message shows."""

    name = "user"

    def convert(
        self,
        value: Any,  # noqa: ANN401 - what click gives
        param: click.Parameter | None,
        ctx: click.Context | None,
    ) -> User:
        """Reads the user."""
        try:
            return parse_user(value)
        except ValueError as error:
            self.fail(f"{error}.", param, ctx)


@dataclass(frozen=True)
class ServeOptions(ProcessOptions):
    """The options of the command, by their names."""

    host: str
    port: int
    allowed_host: tuple[str, ...]
    user: tuple[User, ...]
    users_file: str | None
    keep_users: bool
    max_parallel_jobs: int | None
    max_queued_jobs: int
    max_unfinished_uploads: int
    max_storage: int | None
    max_creations: int | None
    keep_jobs: float | None
    keep_models: float | None
    trusted_proxy: tuple[str, ...]
    user_header: str
    oidc_issuer: str
    oidc_audience: str
    user_domain: tuple[str, ...]
    create_users: bool


_DAYS = click.FloatRange(min=0, min_open=True, max=36_500)


@click.command(
    cls=HubCommand,
    examples=[
        ("Run a hub for you alone", "serve"),
        (
            "For several people, each with a profile",
            "serve --user you@example.com --user guest@example.com",
        ),
        ("Without tokens in the list of processes", "serve --users-file users.txt"),
        ("Behind a TLS proxy on this machine", "serve --allowed-host hub.example.com"),
        ("Elsewhere, with less to do at once", "serve --data-dir /srv/hub --max-parallel-jobs 2"),
        (
            "Without running jobs, beside workers that do",
            "serve --database postgresql://hub@db.example.com/hub --data-dir /srv/hub --workers 0",
        ),
    ],
)
@click.option(
    "--host",
    metavar="ADDRESS",
    default="127.0.0.1",
    show_default=True,
    help="Address to listen on.",
)
@click.option(
    "--port",
    metavar="PORT",
    type=SettingType("port"),
    default=8642,
    show_default=True,
    help="TCP port; 0 for any that is free.",
)
@click.option(
    "--allowed-host",
    metavar="NAME",
    multiple=True,
    help="Name that requests may be addressed to, beside this machine's own, such as that of a TLS "
    "proxy in front of the hub; may be repeated.",
)
@data_dir_option
@database_option
@click.option(
    "--user",
    metavar="EMAIL[=TOKEN]",
    type=UserType(),
    multiple=True,
    help="A user, optionally with a token, which process lists such as ps show; may be repeated. "
    "user@localhost if there is none.",
)
@click.option(
    "--users-file",
    metavar="FILE",
    shell_complete=complete_files,
    help="File of users that only you can read, one EMAIL or EMAIL=TOKEN per line; - for standard "
    f"input. {USERS_VARIABLE} may name users as well.",
)
@click.option(
    "--keep-users",
    is_flag=True,
    help="Keep users whom an earlier start named; implied by --database.",
)
@click.option(
    "--max-parallel-jobs",
    "--workers",
    "max_parallel_jobs",
    metavar="N",
    type=SettingType("max_parallel_jobs"),
    help="Jobs to run at once; one per core if absent. With a database, 0 leaves them to "
    "`qai-hub worker`.",
)
@click.option(
    "--max-queued-jobs",
    metavar="N",
    type=SettingType("max_queued_jobs"),
    default=10_000,
    show_default=True,
    help="Queued jobs that one user may have.",
)
@click.option(
    "--max-unfinished-uploads",
    metavar="N",
    type=SettingType("max_unfinished_uploads"),
    default=1_000,
    show_default=True,
    help="Unfinished uploads that one user may have.",
)
@click.option(
    "--max-storage",
    metavar="GIB",
    type=SettingType("max_storage", unit=1 << 30),
    help="Size of what one user may store, in GiB; no limit if absent.",
)
@click.option(
    "--max-creations",
    metavar="N",
    type=SettingType("max_creations"),
    help="Jobs, models and datasets that one user may create in a minute; no limit if absent.",
)
@click.option(
    "--keep-jobs",
    metavar="DAYS",
    type=_DAYS,
    help="Delete jobs so many days after they ended, with what they have made; never if absent.",
)
@click.option(
    "--keep-models",
    metavar="DAYS",
    type=_DAYS,
    help="Delete uploaded models after so many days, if no job has them; never if absent.",
)
@click.option(
    "--trusted-proxy",
    metavar="NETWORK",
    multiple=True,
    help="Network, such as 10.0.0.0/8, of a proxy that signs users in; may be repeated.",
)
@click.option(
    "--user-header",
    metavar="NAME",
    default="",
    help="Header in which that proxy sends a user's e-mail address, such as X-Forwarded-Email.",
)
@click.option(
    "--oidc-issuer",
    metavar="URL",
    default="",
    help="Issuer of OpenID Connect whose tokens are taken as well.",
)
@click.option(
    "--oidc-audience", metavar="NAME", default="", help="Whom the issuer's tokens must be for."
)
@click.option(
    "--user-domain",
    metavar="DOMAIN",
    multiple=True,
    help="Domain of the addresses that a proxy or an issuer may sign in; may be repeated. Any if "
    "there is none.",
)
@click.option(
    "--create-users",
    is_flag=True,
    help="Make users of those whom a proxy or an issuer signs in for the first time.",
)
@process_options
@click.pass_obj
def serve(invocation: Invocation, /, **given: Any) -> int:  # noqa: ANN401 - as ServeOptions names them
    """Run a local hub, which runs its jobs on this machine, until it is stopped.

    Writes a profile for each user: --profile names that of the first (local if absent), and others
    get NAME-EMAIL. A profile of another machine is not overwritten.
    """
    options = ServeOptions(**given)
    if options.max_parallel_jobs == 0 and options.database is None:
        raise click.UsageError(
            "--max-parallel-jobs 0 leaves all jobs to other processes: name --database."
        )
    prepare_process(options)
    profile = invocation.profile or "local"
    users = _collect_users(options)
    if users or options.database is None:
        _refuse_remote_profile(profile)
    with receive_signals() as receiver:
        with _start_errors(options):
            hub = _start_hub(options, users)
        try:
            if hub.emails:
                _refuse_profile_in_use(profile, hub.url)
            _print_startup(hub, options, profile)
            receiver.recv(1)
            end_at_next_signal()
        finally:
            with refusals():
                hub.stop()
    when = "at the next start" if options.database is None else "in other processes"
    print_line(f"Stopped. Unfinished jobs continue {when}.")
    return 0


@contextmanager
def _start_errors(options: ServeOptions) -> Iterator[None]:
    """Says why the hub does not start, and what to do."""
    from qai_hub.local.server.run import ListenError
    from qai_hub.local.store import DataFolderError
    from qai_hub.local.store.data_folder import FolderInUseError

    with refusals():
        try:
            yield
        except DataFolderError as error:
            if isinstance(error, FolderInUseError):
                _tell_if_running(options, None, error)
            text = str(error).rstrip(".")
            raise CommandError(f"{text}. --data-dir chooses the data folder.") from error
        except ListenError as error:
            text = f"Port {options.port} of {options.host}"
            if error.errno == errno.EADDRINUSE:
                _tell_if_running(options, f"http://{options.host}:{options.port}", error)
                text += " is in use: stop the program that uses it, or choose another with --port."
            else:
                text += f" cannot be opened: {error.strerror}. Choose another with --port."
            raise CommandError(text) from error
        except OSError as error:
            if error.filename is not None or error.strerror is None:
                raise
            # A full disk, for instance, is reported without a path.
            raise CommandError(f"{options.data_dir}: {error.strerror}.") from error


def _tell_if_running(options: ServeOptions, url: str | None, cause: Exception) -> None:
    """Tells how to use a hub of this user that runs already.

    Args:
        options: The options of the command.
        url: Where it is, if the port is taken; None if the data folder is.
        cause: Why the new hub does not start.

    Raises:
        CommandError: Such a hub runs.
    """
    from qai_hub.config.profiles import find_working, how_to_choose

    folder = options.data_dir.expanduser()
    working = find_working(url)
    # Where the port is taken, it may be by a hub with another folder.
    own = [each for each in working if _is_of_folder(each.token, folder)] or (
        working if url else []
    )
    if own:
        raise CommandError(
            f"Your hub runs already, at {own[0].api_url}: use it with {how_to_choose(own)}, or "
            "stop it first. A second hub needs --port and --data-dir of its own."
        ) from cause


def _is_of_folder(token: str, folder: Path) -> bool:
    """Returns whether a token is known to the hub of a data folder, which may be running."""
    from qai_hub.local.store import DataFolderError
    from qai_hub.local.store.people import read_accounts, token_digest
    from qai_hub.local.store.sqlite import open_folder

    try:
        with open_folder(folder) as db:
            digest = token_digest(token)
            return any(digest in account.tokens for account in read_accounts(db).values())
    except DataFolderError:
        # It is no hub's, or its hub is busy.
        return False


def _collect_users(options: ServeOptions) -> list[User]:
    """Returns the users from the arguments, the file and the environment.

    Raises:
        click.BadParameter: The arguments name somebody who cannot be a user.
        CommandError: The file or the environment does.
    """
    from qai_hub.local.core.account_changes import merge_users

    users = [*options.user]
    try:
        merge_users(users)
    except ValueError as error:
        raise click.BadParameter(f"{error}.", param_hint="'--user'") from error
    source: str | None = USERS_VARIABLE
    try:
        users += users_from_environment()
        source = options.users_file
        if source is not None:
            users += parse_users(read_secret_file(source))
    except ValueError as error:
        raise CommandError(f"{source}: {error}.") from error
    return users


def _start_hub(options: ServeOptions, users: list[User]) -> "LocalHub":
    from qai_hub.local import LocalHub
    from qai_hub.local.config import (
        HubConfig,
        Retention,
        SignIn,
        count_cores,
        normalize_hosts,
        normalize_users,
    )
    from qai_hub.local.core.account_changes import merge_users

    named = merge_users(users)
    slots = options.max_parallel_jobs
    config = HubConfig(
        **options.settings(),
        host=options.host,
        port=options.port,
        allowed_hosts=normalize_hosts(options.allowed_host),
        users=normalize_users(named) if named or options.database is None else (),
        keep_users=options.keep_users,
        max_parallel_jobs=count_cores() if slots is None else slots,
        max_queued_jobs=options.max_queued_jobs,
        max_unfinished_uploads=options.max_unfinished_uploads,
        max_storage=options.max_storage,
        max_creations=options.max_creations,
        retention=Retention(
            jobs=None if options.keep_jobs is None else timedelta(days=options.keep_jobs),
            models=None if options.keep_models is None else timedelta(days=options.keep_models),
        ),
        sign_in=SignIn(
            trusted_proxies=options.trusted_proxy,
            user_header=options.user_header,
            issuer=options.oidc_issuer,
            audience=options.oidc_audience,
            domains=options.user_domain,
            create_users=options.create_users,
        ),
    )
    hub = LocalHub.from_config(config).start()
    hub.warm_up()
    return hub


def _print_startup(hub: "LocalHub", options: ServeOptions, profile: str) -> None:
    from qai_hub.cli.example import describe_first_job, ensure_examples

    print_line(f"Local hub at {hub.url}, {describe_place(options)}")
    kept = hub.quarantined
    if kept.count:
        print_line(f"In quarantine: {kept.count} ({kept.size / 1e6:.1f} MB), in {kept.folder}")
    paths = []
    for index, email in enumerate(hub.emails):
        name = profile if index == 0 else f"{profile}-{_as_file_name(email)}"
        paths.append(_ensure_profile(hub, email, name))
        quoted = json.dumps(name, ensure_ascii=False)
        print_line(f"  {email}: hub.Client(profile={quoted}), from {paths[-1]}")
    ensure_examples(options.folder)
    if paths:
        print_line("To use it from another terminal:")
        for line in describe_first_job(options.folder, paths[0]):
            print_line(f"  {line}")
    else:
        print_line("Its users are those that the database has: `qai-hub users` lists them.")
    if hub.emails and is_terminal():
        print_line(f"Its pages, for {hub.emails[0]} (the link can be used once, for 10 minutes):")
        print_line(f"  {hub.sign_in_link()}")
    else:
        print_line("`qai-hub open` signs a browser in to its pages.")
    if options.max_parallel_jobs == 0:
        print_line("It runs no jobs: `qai-hub worker` does.")
    else:
        print_capabilities()
    if urlsplit(hub.url).hostname not in ("127.0.0.1", "localhost", "::1") or options.host in (
        "",
        "0.0.0.0",  # noqa: S104 - compared, not bound
        "::",
    ):
        print_error("Others can reach this hub unencrypted: put a TLS proxy in front of it.")
    print_line("Ctrl+C stops it.")


def _as_file_name(email: str) -> str:
    """Returns an address without signs that names of files cannot have on every system."""
    return "".join(quote(sign, safe="") if sign in '/\\:*?"<>|%' else sign for sign in email)


def _ensure_profile(hub: "LocalHub", email: str, name: str) -> Path:
    """Write a profile that connects a user to the hub, unless it already does; return its path."""
    known = _read_profile(name)
    is_valid = known is not None and hub.is_token_of(known.api_token, email)
    if known is not None and is_valid and known.api_url == hub.url:
        return profile_path(name)
    _refuse_remote_profile(name)
    if known is not None and is_valid:
        # Only the port has changed. The token is kept: otherwise, each start would add one.
        return save_config(dataclasses.replace(known, api_url=hub.url, web_url=hub.url), name)
    config = dataclasses.replace(hub.config(email), verbose=True)
    path, backup = replace_config(config, name)
    if known is not None and backup is not None:
        print_line(
            f"  The profile {name!r} was for another hub, at {known.api_url}: {backup} has it."
        )
    return path


def _refuse_profile_in_use(profile: str, url: str) -> None:
    """Refuse to overwrite a profile whose own hub runs, unless that is where the new one starts."""
    from qai_hub.config.profiles import find_working

    working = {each.name: each for each in find_working()}
    if profile in working and working[profile].api_url != url:
        raise CommandError(
            f"The profile {profile!r} is for your hub at {working[profile].api_url}, which runs: "
            f"name another for this hub, such as `--profile {profile}-2`."
        )


def _refuse_remote_profile(name: str) -> None:
    """Refuse to overwrite a profile for a hub on another machine."""
    known = _read_profile(name)
    if known is not None and not _is_local(known.api_url):
        raise CommandError(
            f"The profile {name!r} is for {known.api_url}: choose another name with --profile."
        )


def _read_profile(name: str) -> ClientConfig | None:
    try:
        return load_config(name)
    except FileNotFoundError:
        return None
    except UserError as error:
        raise CommandError(f"{error} Correct it, or choose another name with --profile.") from error


def _is_local(url: str) -> bool:
    return urlsplit(url).hostname in ("127.0.0.1", "localhost", "::1")
