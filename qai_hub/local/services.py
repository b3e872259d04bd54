"""What the handlers of one hub work with."""

from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass
from urllib.parse import urlencode

from starlette.requests import Request

from qai_hub.local.accounts import Accounts
from qai_hub.local.contract import Contract
from qai_hub.local.devices import DeviceCatalogue
from qai_hub.local.signing import Signer
from qai_hub.local.storage import Storage
from qai_hub.local.store import Store
from qai_hub.local.times import Clock
from qai_hub.local.waiters import Waiters

# Seconds after which to look whether what a person has too many of has become less.
RETRY_AFTER = "30"


@dataclass(frozen=True, slots=True)
class Bounds:
    """What one person may have at once: jobs in the queue, and uploads that are not finished."""

    queued_jobs: int
    unfinished_uploads: int


@dataclass(frozen=True, slots=True)
class Services:
    """What the handlers of one hub work with.

    Attributes:
        contract: The contract that they fulfil.
        store: The database.
        storage: The files.
        accounts: The users.
        devices: The devices that jobs can name.
        signer: Signs the URLs of files.
        waiters: Requests that wait for jobs.
        clock: Tells the time.
        part_size: Size of an upload's parts in bytes, where the limit on their number lets it.
        bounds: What one person may have at once.
        wake: Tells the scheduler that there may be something to run.
        cancelled: Tells the scheduler which jobs people have ended.
    """

    contract: Contract
    store: Store
    storage: Storage
    accounts: Accounts
    devices: DeviceCatalogue
    signer: Signer
    waiters: Waiters
    clock: Clock
    part_size: int
    bounds: Bounds
    wake: Callable[[], None]
    cancelled: Callable[[Collection[str]], None]

    def path(self, operation: str, **ids: str | int) -> str:
        """Return the path of an operation."""
        return self.contract.paths[operation].format(**ids)

    def signed_url(
        self,
        request: Request,
        operation: str,
        ids: Mapping[str, str | int],
        **claims: str | int | None,
    ) -> str:
        """Return a URL that lets whoever has it do one thing, for a while.

        Args:
            request: The request that is answered with it; the URL leads to the same host.
            operation: The operationId.
            ids: Its path parameters.
            claims: What else the operation may rely on.

        Returns:
            The absolute URL. It is a secret.
        """
        signature = self.signer.sign(operation, **ids, **claims)
        query = urlencode({"signature": signature})
        return f"{origin(request)}{self.path(operation, **ids)}?{query}"


def origin(request: Request) -> str:
    """Return scheme, host and port by which the caller has reached this hub."""
    return f"{request.url.scheme}://{request.url.netloc}"
