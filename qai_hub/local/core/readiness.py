"""Whether a process can do its work now: what it depends on, and whether that is there."""

import logging
import threading
from dataclasses import dataclass, field

from sqlalchemy.exc import SQLAlchemyError

from qai_hub.local.core.pools import PoolWatch, describe_unserved
from qai_hub.local.files.store import FileStore, FilesUnavailableError
from qai_hub.local.store import DatabaseError, Store
from qai_hub.local.store.database import read_identity
from qai_hub.local.store.dialect import DatabaseUnavailableError

OK = "ok"
_WAIT_SECONDS = 5.0
_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Readiness:
    """The result of a check.

    Attributes:
        checks: Of each thing that the process depends on, `ok` or what is wrong with it.
        warnings: What somebody should look at, although requests are answered.
    """

    checks: dict[str, str]
    warnings: list[str] = field(default_factory=list)

    @property
    def ready(self) -> bool:
        """Whether the process can do its work."""
        return all(found == OK for found in self.checks.values())


NOT_IN_TIME = Readiness({"process": "did not find out in time"})


class ReadinessCheck:
    """Checks whether this process can do its work. May be called from any thread.

    One check runs at a time: where the storage hangs, each takes minutes, and probes keep coming.

    Args:
        store: The database.
        storage: The files.
        pools: The queue, and the processes that take jobs from it.
    """

    def __init__(self, store: Store, storage: FileStore, pools: PoolWatch) -> None:
        self._store = store
        self._storage = storage
        self._pools = pools
        self._checking = threading.Lock()
        self._told: dict[str, str] = {}

    def __call__(self) -> Readiness:
        """Check the database, its schema, and the files."""
        if not self._checking.acquire(timeout=_WAIT_SECONDS):
            return NOT_IN_TIME
        try:
            found = self._check()
            if found.checks != self._told:
                self._tell(found)
        finally:
            self._checking.release()
        return found

    def _tell(self, found: Readiness) -> None:
        """Log what has changed, as probes tell nobody else."""
        if not found.ready:
            wrong = (f"{name}: {text}" for name, text in found.checks.items() if text != OK)
            _log.warning("not ready: %s", ", ".join(wrong))
        elif self._told:
            _log.warning("ready again")
        self._told = found.checks

    def _check(self) -> Readiness:
        database, schema = self._check_database()
        checks = {"database": database, "schema": schema, "files": self._check_files()}
        return Readiness(checks, self._warnings() if database == OK else [])

    def _check_database(self) -> tuple[str, str]:
        unknown = "unknown, as the database cannot be read"
        try:
            with self._store.read() as db:
                read_identity(db)
        except DatabaseUnavailableError:
            return "cannot be reached, or is too busy", unknown
        except DatabaseError as error:
            return OK, str(error)
        except (SQLAlchemyError, OSError):
            # What the driver says may name the server and the user.
            _log.warning("the database cannot be read", exc_info=True)
            return "cannot be read", unknown
        return OK, OK

    def _check_files(self) -> str:
        try:
            self._storage.check_writable()
        except FilesUnavailableError as error:
            return f"the storage {error.reason}"
        except OSError as error:
            return f"cannot be written: {error.strerror or type(error).__name__}"
        return OK

    def _warnings(self) -> list[str]:
        try:
            unserved = self._pools.read().unserved
        except (SQLAlchemyError, DatabaseUnavailableError):
            return []
        return [describe_unserved(each.needs, each.number) for each in unserved]
