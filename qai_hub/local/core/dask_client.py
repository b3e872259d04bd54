"""The connection to a Dask scheduler, which is opened again when it was lost."""

import logging
import threading
import time

from distributed import CancelledError, Client, Security
from distributed.client import ClosedClientError

from qai_hub.local.core.executor import CannotStartError
from qai_hub.local.engine.attempt import AttemptCancelled

_CONNECT_SECONDS = 5.0
_FIRST_PAUSE, _LONGEST_PAUSE = 1.0, 30.0
_FAILURES_SETTING = "DASK_DISTRIBUTED__SCHEDULER__ALLOWED_FAILURES=0"

CONNECTION_ERRORS = (CancelledError, ClosedClientError, OSError)
"""What Dask raises once the connection is lost, or another thread has closed it."""

_log = logging.getLogger(__name__)


class DaskSettingError(ValueError):
    """The scheduler has a setting that the hub cannot work with."""


class DaskConnection:
    """A connection to a Dask scheduler. Its methods may be called from any thread.

    Dask's own configuration tells how it is secured.

    Args:
        scheduler: Its address.
    """

    def __init__(self, scheduler: str) -> None:
        self._scheduler = scheduler
        self._lock = threading.Lock()
        self._client: Client | None = None
        self._pause = _FIRST_PAUSE
        self._retry_at = 0.0
        self._why = ""

    def open(self) -> None:
        """Connect, if the scheduler can be reached; otherwise the log tells that it cannot.

        Raises:
            DaskSettingError: The scheduler has a setting that the hub cannot work with, or Dask has
                no certificates for a connection that needs them.
        """
        certificates = Security().get_tls_config_for_role("client")
        if self._scheduler.startswith("tls:") and not certificates["ca_file"]:
            raise DaskSettingError(
                "executor names a Dask scheduler with TLS: give its certificates in Dask's own "
                "configuration, as in DASK_DISTRIBUTED__COMM__TLS__CA_FILE"
            )
        try:
            self._check_settings(self._connect(threading.Event()))
        except CannotStartError as error:
            _log.warning("jobs wait: %s", error)

    def get(self, cancelled: threading.Event) -> Client:
        """Return the client that is connected.

        Args:
            cancelled: Set from another thread to give up.

        Raises:
            AttemptCancelled: It was set.
            CannotStartError: The scheduler cannot be reached, or has the wrong setting.
        """
        client = self._connect(cancelled)
        try:
            self._check_settings(client)
        except DaskSettingError as error:
            raise CannotStartError(str(error)) from None
        return client

    def close(self) -> None:
        """Close it; tasks that are running end."""
        with self._lock:
            client, self._client = self._client, None
        if client is not None:
            client.close()

    def _connect(self, cancelled: threading.Event) -> Client:
        pause = 0.0 if self._running() else self._retry_at - time.monotonic()
        if pause > 0 and cancelled.wait(pause):
            raise AttemptCancelled
        with self._lock:
            client = self._running()
            if client is not None:
                return client
            if time.monotonic() < self._retry_at:
                # Another thread has just tried.
                raise CannotStartError(self._why)
            try:
                client = self._client = self._open_client()
            except OSError as error:
                self._why = self._describe(error)
                self._retry_at = time.monotonic() + self._pause
                self._pause = min(2 * self._pause, _LONGEST_PAUSE)
                raise CannotStartError(self._why) from error
            self._pause = _FIRST_PAUSE
            return client

    def _running(self) -> Client | None:
        client = self._client
        return client if client is not None and client.status == "running" else None

    def _open_client(self) -> Client:
        if self._client is not None:
            self._client.close()
            self._client = None
        return Client(
            self._scheduler, timeout=_CONNECT_SECONDS, name="qai-hub", set_as_default=False
        )

    def _describe(self, error: Exception) -> str:
        reason = str(error).partition("\n")[0] or type(error).__name__
        return f"the Dask scheduler at {self._scheduler} cannot be reached: {reason}"

    def _check_settings(self, client: Client) -> None:
        """Check that Dask does not repeat tasks by itself whose worker died.

        Raises:
            CannotStartError: The scheduler does not answer.
            DaskSettingError: It would repeat them.
        """
        try:
            # A lambda is sent as it is, so the scheduler need not have this package.
            allowed = client.run_on_scheduler(
                lambda dask_scheduler: dask_scheduler.allowed_failures
            )
        except CONNECTION_ERRORS as error:
            raise CannotStartError(self._describe(error)) from error
        if allowed:
            raise DaskSettingError(
                f"the Dask scheduler at {self._scheduler} repeats tasks whose worker died "
                f"({allowed} times), which is for the hub to decide: start it with "
                f"{_FAILURES_SETTING} in its environment"
            )
