"""Signed URLs of this hub, which receives and serves the files itself."""

from collections.abc import Mapping
from urllib.parse import urlencode

from qai_hub.local.files.signing import Signer


class HubLinks:
    """A `FileLinks` that signs URLs of the hub's own operations for transfers.

    Args:
        signer: Signs the URLs.
        paths: The paths of the contract's operations, by operationId.
    """

    def __init__(self, signer: Signer, paths: Mapping[str, str]) -> None:
        self._signer = signer
        self._paths = paths

    def part(self, origin: str, upload_id: str, number: int, *, size: int, offset: int) -> str:
        """Return the URL that receives one part of an upload."""
        ids: dict[str, str | int] = {"upload_id": upload_id, "part_number": number}
        return self._url(origin, "uploadPart", ids, size=size, offset=offset)

    def form(self, origin: str, upload_id: str, *, size: int | None, limit: int) -> str:
        """Return the URL that receives a whole upload as a form."""
        return self._url(origin, "uploadForm", {"upload_id": upload_id}, size=size, limit=limit)

    def download(self, origin: str, file_id: str, *, filename: str) -> str:
        """Return the URL of a published file."""
        return self._url(origin, "downloadFile", {"file_id": file_id}, filename=filename)

    def _url(
        self, origin: str, operation: str, ids: Mapping[str, str | int], **claims: str | int | None
    ) -> str:
        query = urlencode({"signature": self._signer.sign(operation, **ids, **claims)})
        return f"{origin}{self._paths[operation].format(**ids)}?{query}"
