"""`LocalHub`: a hub run from a script, a test or the command line."""

import os
from collections.abc import Collection
from contextlib import ExitStack
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Self

from qai_hub.config import ClientConfig
from qai_hub.local.clock import Clock, now
from qai_hub.local.config import HubConfig, Users, count_cores, normalize_hosts, normalize_users
from qai_hub.local.core.accounts import Accounts, HubUser
from qai_hub.local.core.local_executor import RunAttempt
from qai_hub.local.core.sign_ins import link_path
from qai_hub.local.files.quarantine import Quarantined
from qai_hub.local.limits import ServerLimits
from qai_hub.local.server.app import RunningHub, start_hub

if TYPE_CHECKING:
    from qai_hub.client import Client


class LocalHub:
    """A hub on this machine, served by a thread of this process.

    Use it in a `with` statement, or call `start` and `stop`. Several can run at once.

    Args:
        data_dir: Folder that stores all data, so that it survives power cuts: that of an earlier
            hub, an empty one, or one that does not exist yet. If None, a temporary one that is
            deleted at the end.
        port: TCP port; 0 for any free one.
        host: Address to listen on.
        users: Tokens by e-mail address, or addresses alone. A user named with a token has only that
            token from now on; a user named without one keeps theirs, or gets one when it is first
            requested. A single `user@localhost` if None or empty. Users whom an earlier start with
            this folder named, and this one does not, lose access.
        max_parallel_jobs: Jobs that run at once; if None, as many as there are cores. Beyond these,
            users without a running job may have one each; there are as many of these extra places
            again, and at least 8.
        job_timeout: Seconds that a job may run before it fails.
        validate_responses: Whether a response that violates the contract is replaced by a 500,
            which is useful in tests.
        allowed_hosts: Additional host names that requests may be addressed to.
        memory_limit: Address space that a job may use, in bytes; None for no limit.
        cache: Whether a target model that was made before is reused.
        check_targets: Whether target models for QNN and TensorFlow Lite are compared with their
            source models, which takes a second or more per job.
        analyze_layers: Whether quantize jobs measure the layers of their models, which takes as
            long as quantizing does, or longer.
        strict_versions: Whether a job fails that names a version of QAIRT which this hub does not
            have; otherwise it gets the nearest one, and a notice says so.
        warm_workers: Whether jobs are forked from a process that has imported everything, which
            saves half a second per job and takes some 100 MB of memory, where the system allows it
            (Linux); otherwise each is a program of its own.
        keep_users: Whether users that an earlier start named keep their access.
        max_queued_jobs: Jobs that one user may have in the queue.
        max_unfinished_uploads: Unfinished uploads that one user may have.
        part_size: Size of the parts of uploads, in bytes.
        limits: Limits on the number of connections and on the time they may take. If None, they are
            derived from the limit of open files, which the hub raises as far as it may.
        clock: Returns the current time, with its time zone.
        run_attempt: Carries out attempts at jobs; if None, worker processes do.

    Raises:
        TypeError: A number is not one, or is not a whole one; or there is a single name where a
            list is expected.
        ValueError: A number is out of its range.

    Examples:
        >>> from qai_hub.local import LocalHub
        >>> with LocalHub(users=["me@example.com", "colleague@example.com"]) as local_hub:
        ...     client = local_hub.client("me@example.com")
        ...     client.get_models()
        []
    """

    def __init__(
        self,
        data_dir: str | os.PathLike[str] | None = None,
        port: int = 0,
        host: str = "127.0.0.1",
        users: Users = None,
        max_parallel_jobs: int | None = None,
        job_timeout: float = 3600.0,
        validate_responses: bool = False,
        *,
        allowed_hosts: Collection[str] = (),
        memory_limit: int | None = None,
        cache: bool = True,
        check_targets: bool = True,
        analyze_layers: bool = True,
        strict_versions: bool = False,
        warm_workers: bool = True,
        keep_users: bool = False,
        max_queued_jobs: int = 10_000,
        max_unfinished_uploads: int = 1_000,
        part_size: int = 64 << 20,
        limits: ServerLimits | None = None,
        clock: Clock = now,
        run_attempt: RunAttempt | None = None,
    ) -> None:
        config = HubConfig(
            data_dir=None if data_dir is None else Path(data_dir).expanduser(),
            host=host,
            port=port,
            users=normalize_users(users),
            keep_users=keep_users,
            allowed_hosts=normalize_hosts(allowed_hosts),
            max_parallel_jobs=count_cores() if max_parallel_jobs is None else max_parallel_jobs,
            job_timeout=job_timeout,
            memory_limit=memory_limit,
            cache=cache,
            check_targets=check_targets,
            analyze_layers=analyze_layers,
            strict_versions=strict_versions,
            warm_workers=warm_workers,
            max_queued_jobs=max_queued_jobs,
            max_unfinished_uploads=max_unfinished_uploads,
            part_size=part_size,
            validate_responses=validate_responses,
            limits=limits,
        )
        self._initialize(config, clock, run_attempt)

    @classmethod
    def from_config(
        cls, config: HubConfig, *, clock: Clock = now, run_attempt: RunAttempt | None = None
    ) -> Self:
        """Creates a hub from a configuration.

        Args:
            config: The configuration.
            clock: Returns the current time, with its time zone.
            run_attempt: Carries out attempts at jobs; if None, worker processes do.

        Returns:
            The hub, not started.

        Examples:
            >>> from qai_hub.local import LocalHub
            >>> from qai_hub.local.config import HubConfig
            >>> small = LocalHub.from_config(HubConfig(max_parallel_jobs=1))
        """
        hub = cls.__new__(cls)
        hub._initialize(config, clock, run_attempt)
        return hub

    def _initialize(self, config: HubConfig, clock: Clock, run_attempt: RunAttempt | None) -> None:
        self._config = config
        self._clock = clock
        self._run_attempt = run_attempt
        self._stack = ExitStack()
        self._running: RunningHub | None = None

    @property
    def url(self) -> str:
        """Scheme, host and port of the running hub, in the form that `api_url` takes."""
        return self._require_running().url

    @property
    def waiting(self) -> int:
        """Number of requests that are waiting for a job to end."""
        return 0 if self._running is None else len(self._running.waiters)

    @property
    def quarantined(self) -> Quarantined:
        """Folder, number and size of the files that the last start found in the quarantine.

        Files that the database does not know, and expired ones, are kept there for at least a week.
        """
        return self._require_running().quarantined

    @property
    def connections(self) -> int:
        """Number of open connections."""
        return 0 if self._running is None else self._running.server.connections

    @property
    def emails(self) -> list[str]:
        """E-mail addresses of the users that this start named, in order."""
        return self._accounts.emails

    def token(self, email: str | None = None) -> str:
        """Returns a token of a user: the one that was given, or else a new one.

        Args:
            email: The user's address; the first user's if None.

        Returns:
            The token. It is a secret.

        Raises:
            ValueError: There is no such user, or they have no access.
            RuntimeError: The hub is not running.

        Examples:
            >>> config = hub.ClientConfig(local_hub.token("you@example.com"), api_url=local_hub.url)
        """
        accounts = self._accounts
        if email is None:
            if not accounts.emails:
                raise ValueError("this start of the hub named no users: name one")
            email = accounts.emails[0]
        return accounts.get_token(email)

    def is_token_of(self, token: str, email: str) -> bool:
        """Returns whether a token belongs to a user.

        Args:
            token: The token.
            email: The user's address.

        Returns:
            Whether the token belongs to the user.

        Raises:
            RuntimeError: The hub is not running.

        Examples:
            >>> local_hub.is_token_of("guessed", "you@example.com")
            False
        """
        accounts = self._accounts
        user = accounts.authenticate(token)
        return user is not None and user == accounts.find_by_email(email)

    def users(self) -> list[HubUser]:
        """Returns all present and former users of the hub and its data folder.

        Returns:
            The users, in the order in which they were added.

        Raises:
            RuntimeError: The hub is not running.

        Examples:
            >>> [user.email for user in local_hub.users() if user.origin == "start"]
            ['you@example.com', 'colleague@example.com']
        """
        return self._accounts.list_users()

    def add_user(self, email: str, token: str | None = None) -> str:
        """Adds a user, who has access at once and at later starts, until revoked.

        Args:
            email: Their address.
            token: Their token; None to generate one.

        Returns:
            The token. It is a secret, and only its hash is stored.

        Raises:
            ValueError: They have access already, the address or the token is invalid, or the token
                belongs to another user.
            RuntimeError: The hub is not running.

        Examples:
            >>> token = local_hub.add_user("guest@example.com")
            >>> local_hub.is_token_of(token, "guest@example.com")
            True
        """
        return self._accounts.add(email, token)

    def renew_token(self, email: str, token: str | None = None) -> str:
        """Replaces all tokens of a user by a new one; the old ones are no longer valid.

        Args:
            email: Their address.
            token: Their token from now on; None to generate one.

        Returns:
            The token. It is a secret, and only its hash is stored.

        Raises:
            ValueError: There is no such user, the token is invalid, or it belongs to another user.
            RuntimeError: The hub is not running.

        Examples:
            >>> old = local_hub.add_user("trainee@example.com")
            >>> new = local_hub.renew_token("trainee@example.com")
            >>> local_hub.is_token_of(old, "trainee@example.com")
            False
        """
        return self._accounts.renew(email, token)

    def revoke_user(self, email: str) -> None:
        """Revokes all tokens of a user. Their data stays, and so does what they have shared.

        Signed URLs that they have received work until they expire, for an hour at most.

        Args:
            email: Their address.

        Raises:
            ValueError: There is no such user.
            RuntimeError: The hub is not running.

        Examples:
            >>> token = local_hub.add_user("visitor@example.com")
            >>> local_hub.revoke_user("visitor@example.com")
            >>> local_hub.is_token_of(token, "visitor@example.com")
            False
        """
        self._accounts.revoke(email)

    def config(self, email: str | None = None) -> ClientConfig:
        """Returns the configuration of a client of this hub.

        Args:
            email: The user's address; the first user's if None.

        Returns:
            The configuration.

        Raises:
            ValueError: There is no such user.
            RuntimeError: The hub is not running.

        Examples:
            >>> from qai_hub.config import save_config
            >>> path = save_config(local_hub.config(), "local")
        """
        return ClientConfig(api_token=self.token(email), api_url=self.url, web_url=self.url)

    def client(self, email: str | None = None) -> "Client":
        """Returns a client of this hub.

        Args:
            email: The user's address; the first user's if None.

        Returns:
            The client.

        Raises:
            ValueError: There is no such user.
            RuntimeError: The hub is not running.

        Examples:
            >>> client = local_hub.client("colleague@example.com")
        """
        from qai_hub.client import Client

        return Client(self.config(email))

    def sign_in_link(self, email: str | None = None, path: str = "/") -> str:
        """Returns a link that signs a browser in to the pages of this hub.

        It can be used once, for a few minutes.

        Args:
            email: The user's address; the first user's if None.
            path: The page to open.

        Returns:
            The link. It is a secret until it is used.

        Raises:
            ValueError: There is no such user.
            RuntimeError: The hub is not running.

        Examples:
            >>> link = local_hub.sign_in_link(path="/jobs/")
        """
        running = self._require_running()
        token = self.token(email)
        user = running.accounts.authenticate(token)
        if user is None:
            raise ValueError("The user has lost access.")
        code, _ = running.sign_ins.create_link(user, token)
        return f"{self.url}{link_path(code, path)}"

    def start(self) -> Self:
        """Starts the hub and returns once it accepts requests.

        Returns:
            This hub.

        Raises:
            RuntimeError: The hub is already running.
            DataFolderError: The data folder is not a hub's and not empty, another hub uses it, a
                newer hub has written it, its database is damaged, or the disk is full.
            OSError: The port is in use, or the data folder cannot be written.
            ValueError: An address or a token of a user is invalid.

        Examples:
            >>> from qai_hub.local import LocalHub
            >>> kept = LocalHub(data_dir="hub").start()
            >>> kept.stop()
        """
        if self._running is not None:
            raise RuntimeError("the hub is already running")
        with ExitStack() as stack:
            self._running = start_hub(self._config, self._clock, self._run_attempt, stack)
            self._stack = stack.pop_all()
        return self

    def warm_up(self) -> None:
        """Imports what jobs need now, in the background, rather than when the first job starts.

        It does nothing if the hub runs without warm workers.

        Raises:
            RuntimeError: The hub is not running.

        Examples:
            >>> local_hub.warm_up()
        """
        self._require_running().warm_up()

    def stop(self) -> None:
        """Stops the hub. Running jobs start again when a hub starts with the same folder.

        Examples:
            >>> from qai_hub.local import LocalHub
            >>> other = LocalHub().start()
            >>> other.stop()
        """
        self._running = None
        self._stack.close()

    def __enter__(self) -> Self:
        return self.start()

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.stop()

    def __repr__(self) -> str:
        return f"LocalHub({self._running.url if self._running else 'stopped'})"

    @property
    def _accounts(self) -> Accounts:
        return self._require_running().accounts

    def _require_running(self) -> RunningHub:
        if self._running is None:
            raise RuntimeError(
                "the hub is not running: use it in a with statement, or call start()"
            )
        return self._running
