"""Configuration files: INI files with a section `[api]`."""

import configparser
import io
import ipaddress
import os
import re
import shlex
import tempfile
from collections.abc import Iterable, Mapping
from pathlib import Path
from urllib.parse import urlsplit

from qai_hub.closest import did_you_mean
from qai_hub.errors import UserError
from qai_hub.forking import delay_forks
from qai_hub.written_files import find_place

__all__ = [
    "Secret",
    "check_token",
    "check_url",
    "environment_or_process",
    "is_encrypted_or_local",
    "is_loopback",
    "missing_profile_message",
    "profile_path",
    "read_values",
    "write_values",
]


_API_PATH = "/api/v1"


def profile_path(
    profile: str | None = None,
    *,
    environ: Mapping[str, str] | None = None,
    home: Path | None = None,
) -> Path:
    """Returns the path of a configuration file, whether or not it exists.

    Args:
        profile: Name of the profile, or None for the default configuration.
        environ: Environment variables; None for those of the process.
        home: Folder that contains `.qai_hub`; None for the user's home folder.

    Returns:
        The path of the file.

    Raises:
        UserError: If the name could lead out of the folder of profiles.

    Examples:
        >>> from qai_hub.config import profile_path
        >>> profile_path("local").name
        'local.ini'
    """
    folder = (home or Path(os.path.expanduser("~"))) / ".qai_hub"  # noqa: PTH111 - never raises
    if profile is not None:
        if (
            not isinstance(profile, str)
            or not profile.isprintable()
            or not profile.strip(" .")
            or set(profile) & set("/\\:")
        ):
            raise UserError(
                f"{profile!r} is not a valid profile name: use letters, digits, '-', '_' and '.'."
            )
        return folder / f"{profile}.ini"
    named = environment_or_process(environ).get("QAIHUB_CLIENT_INI", "").strip()
    return Path(os.path.expanduser(named)) if named else folder / "client.ini"  # noqa: PTH111


def environment_or_process(environ: Mapping[str, str] | None) -> Mapping[str, str]:
    """Returns the given environment variables, or those of the process if None."""
    # Not a default argument: help() prints defaults, and the environment may contain a token.
    return os.environ if environ is None else environ


def read_values(path: Path) -> dict[str, str]:
    """Reads the values of a configuration file.

    Args:
        path: The file.

    Returns:
        The values by name.

    Raises:
        FileNotFoundError: If there is no such file.
        UserError: If it is not an INI file with a section `[api]`.
    """
    parser = configparser.ConfigParser(interpolation=None)
    try:
        parser.read_string(path.read_text("utf-8-sig"), str(path))
    except FileNotFoundError:
        raise
    except (OSError, ValueError) as error:
        reason = error.strerror if isinstance(error, OSError) else "it is not UTF-8 text"
        raise UserError(f"{path} cannot be read: {reason}.") from None
    except configparser.Error as error:
        raise UserError(
            f"{path} is not a valid INI file: {type(error).__name__}{_line_suffix(error)}. It must "
            "have a section [api] with lines like `api_token = TOKEN`."
        ) from None
    if not parser.has_section("api"):
        found = _join(parser.sections()) or "none"
        raise UserError(f"{path}: section [api] is missing; sections found: {found}.")
    return dict(parser["api"])


def write_values(path: Path, values: Mapping[str, str], *, back_up: bool = False) -> Path | None:
    """Writes a configuration file that only its owner can read.

    The file is replaced atomically.

    Args:
        path: The file.
        values: The values by name.
        back_up: Whether to keep what is replaced beside it, as `NAME.ini.bak`.

    Returns:
        The path of the backup; None if there is none, or nothing changes.

    Raises:
        UserError: If a value cannot be written, or something other than a file is there.
        OSError: If the file cannot be written.
    """
    find_place(path)
    for key, value in values.items():
        if not value.isprintable() or value != value.strip():
            raise UserError(
                f"{key} cannot be saved: it has control characters or outer white space."
            )
    parser = configparser.ConfigParser(interpolation=None)
    parser["api"] = values
    text = io.StringIO()
    parser.write(text)
    content = text.getvalue().encode()
    backup = _back_up(path, content) if back_up else None
    _replace(path, content)
    return backup


def _back_up(path: Path, content: bytes) -> Path | None:
    """Copies a file that is about to get other content; returns the path of the copy."""
    try:
        earlier = path.read_bytes()
    except FileNotFoundError:
        return None
    if earlier == content:
        return None
    backup = path.with_name(f"{path.name}.bak")
    _replace(backup, earlier)
    return backup


def _replace(path: Path, content: bytes) -> None:
    if not path.parent.exists():
        path.parent.mkdir(parents=True)
        path.parent.chmod(0o700)
    target = find_place(path)
    with delay_forks():
        descriptor, temporary = tempfile.mkstemp(prefix=f"{target.name[:100]}.", dir=target.parent)
    try:
        with os.fdopen(descriptor, "wb") as file:
            Path(temporary).chmod(0o600)
            file.write(content)
        Path(temporary).replace(target)
    except BaseException:
        Path(temporary).unlink(missing_ok=True)
        raise


def missing_profile_message(profile: str, path: Path) -> str:
    """Returns the error message for a profile that does not exist."""
    known = sorted(file.stem for file in path.parent.glob("*.ini"))
    return (
        f"There is no profile {profile!r}: {path} does not exist.{did_you_mean(profile, known)} "
        f"Profiles found: {_join(known) or 'none'}. Create it with "
        f"`qai-hub --profile {shlex.quote(profile)} configure --api_token TOKEN`."
    )


def _line_suffix(error: configparser.Error) -> str:
    faults = getattr(error, "errors", ())
    number = faults[0][0] if faults else getattr(error, "lineno", None)
    return "" if number is None else f" in line {number}"


def _join(names: Iterable[str]) -> str:
    return ", ".join(names)


class Secret(str):
    """A string whose repr hides it, also in tracebacks that show the values of variables."""

    __slots__ = ()

    def __repr__(self) -> str:
        return "'***'"


def check_token(token: str) -> str:
    """Strips a token and rejects one that is not valid in a header, without showing it."""
    if not isinstance(token, str):
        raise UserError(f"api_token must be text, not {type(token).__name__}.")
    token = token.strip()
    if not re.fullmatch(r"[!-~]*", token):
        raise UserError(
            "api_token contains blanks or other characters that no token has: copy only the token."
        )
    return Secret(token)


def check_url(key: str, url: str) -> str:
    """Strips a URL and rejects one to which no request could be sent.

    Args:
        key: Name of the setting, for messages.
        url: The URL.

    Returns:
        The URL without trailing slashes.

    Raises:
        UserError: If it is not an http or https URL with a host, or has user information, a query
            or a fragment, or the path of the endpoints.
    """
    wrong = f"{key} must be a URL like https://host or http://127.0.0.1:8642"
    if not isinstance(url, str):
        raise UserError(f"{wrong}, not {type(url).__name__}.")
    trimmed = url.strip().rstrip("/")
    try:
        parts = urlsplit(trimmed)
        fits = parts.scheme in {"http", "https"} and bool(parts.hostname) and parts.port != 0
    except ValueError:
        fits = False
    if not fits or re.search(r"[\s\x00-\x1f\x7f\\]", trimmed):
        # Its value is not shown: it may be the token, or contain a password anywhere.
        raise UserError(f"{wrong}: what is given is none.")
    if parts.username is not None or parts.query or parts.fragment:
        raise UserError(f"{wrong}, without user name, password, query or fragment.")
    if (bare := trimmed.removesuffix(_API_PATH)) != trimmed:
        raise UserError(f"{key} must not contain {_API_PATH}, which is added: write {bare}.")
    return trimmed


def is_encrypted_or_local(url: str) -> bool:
    """Returns whether a URL uses HTTPS or loopback, so that nobody on the way can read along."""
    parts = urlsplit(url)
    return is_loopback(parts.hostname) or parts.scheme == "https"


def is_loopback(host: str | None) -> bool:
    """Returns whether a host is this machine itself."""
    try:
        return ipaddress.ip_address(host or "").is_loopback
    except ValueError:
        return host == "localhost" or (host or "").endswith(".localhost")
