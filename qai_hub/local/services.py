"""What the handlers of one hub work with."""

from collections.abc import Callable, Mapping
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
        wake: Tells the scheduler that there may be something to run.
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
    wake: Callable[[], None]

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
