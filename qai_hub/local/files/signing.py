"""Signed links to files."""

import hashlib
from collections.abc import Mapping
from datetime import timedelta
from typing import Any
from urllib.parse import urlencode

from itsdangerous import BadData, URLSafeSerializer

from qai_hub.local.clock import Clock
from qai_hub.local.errors import ProblemError
from qai_hub.local.files.store import FormTarget


class Signer:
    """Signs what a URL may be used for and until when.

    Args:
        secret: Key that only this hub knows.
        clock: Returns the current time.
        lifetime: How long a signature is valid.
    """

    def __init__(self, secret: bytes, clock: Clock, lifetime: timedelta) -> None:
        self._lifetime = lifetime
        self._secret = secret
        self._clock = clock

    def sign(self, operation: str, **claims: str | int | None) -> str:
        """Sign claims for one operation.

        Args:
            operation: The only operationId that the signature is valid for.
            claims: Values that the operation may rely on, such as ids and sizes.

        Returns:
            The signature, safe in a URL. It is a secret.
        """
        expires = (self._clock() + self._lifetime).timestamp()
        return str(self._serializer(operation).dumps({**claims, "expires": expires}))

    def check(self, operation: str, signature: str, **claims: str | int) -> dict[str, Any]:
        """Check a signature.

        Args:
            operation: The operation that is called.
            signature: The signature in the URL.
            claims: Values that the signature must contain.

        Returns:
            All values in the signature.

        Raises:
            ProblemError: 403 if it is invalid, expired, or for other values.
        """
        try:
            signed: dict[str, Any] = self._serializer(operation).loads(signature)
        except BadData:
            raise ProblemError(403, "The signature of this URL is invalid.") from None
        if any(signed.get(name) != value for name, value in claims.items()):
            raise ProblemError(403, "The signature of this URL is for another resource.")
        if signed["expires"] <= self._clock().timestamp():
            raise ProblemError(403, "This URL has expired: ask for a new one.")
        return signed

    def _serializer(self, operation: str) -> URLSafeSerializer:
        return URLSafeSerializer(
            self._secret, salt=operation, signer_kwargs={"digest_method": hashlib.sha256}
        )


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

    def form(self, origin: str, upload_id: str, *, size: int | None, limit: int) -> FormTarget:
        """Return where a whole upload is to be sent as a form."""
        url = self._url(origin, "uploadForm", {"upload_id": upload_id}, size=size, limit=limit)
        return FormTarget(url, {})

    def download(self, origin: str, file_id: str, *, filename: str) -> str:
        """Return the URL of a published file."""
        return self._url(origin, "downloadFile", {"file_id": file_id}, filename=filename)

    def _url(
        self, origin: str, operation: str, ids: Mapping[str, str | int], **claims: str | int | None
    ) -> str:
        query = urlencode({"signature": self._signer.sign(operation, **ids, **claims)})
        return f"{origin}{self._paths[operation].format(**ids)}?{query}"
