"""Signed URLs for objects that temporary S3 credentials give access to.

The URLs are used like those that the service signs itself, with the same retries, time limits,
proxies, certificates and protection of secrets. Only the signing and the endpoint rules of
botocore are used, because its clients would read further settings from the environment, from files
and from instance metadata.
"""

import functools
import logging
from collections.abc import Mapping
from contextvars import ContextVar
from importlib.util import find_spec
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

from qai_hub.config.files import Secret
from qai_hub.errors import InternalError

if TYPE_CHECKING:
    from botocore.endpoint_provider import EndpointProvider
    from qai_hub_api.models import S3Credentials
    from qai_hub_api.types import Unset

__all__ = [
    "CHECKSUM_MODE_HEADERS",
    "StoredObject",
    "hide_credentials",
    "is_s3_supported",
    "s3_support_parameter",
]

CHECKSUM_MODE_HEADERS = {"x-amz-checksum-mode": "ENABLED"}
"""Headers that ask S3 to include the checksum of the object in the response to a download."""

# The maximum that S3 accepts, in seconds; the credentials expire sooner.
_LIFETIME = 7 * 24 * 3600

_signing: ContextVar[bool] = ContextVar("qai_hub_signing", default=False)


@functools.cache
def is_s3_supported() -> bool:
    """Returns whether this client can use storage credentials.

    Returns:
        Whether the extra `s3` is installed.
    """
    return find_spec("botocore") is not None


def s3_support_parameter() -> "bool | Unset":
    """Returns the value of the request parameter that announces support for storage credentials.

    Returns:
        True if this client can use them, otherwise UNSET: the parameter is omitted.
    """
    from qai_hub_api.types import UNSET

    return True if is_s3_supported() else UNSET


def hide_credentials(credentials: "S3Credentials | None") -> None:
    """Hides the secrets of credentials, if there are any, from their repr."""
    if credentials is not None:
        credentials.access_key_id = Secret(credentials.access_key_id)
        credentials.secret_access_key = Secret(credentials.secret_access_key)
        credentials.session_token = Secret(credentials.session_token)


class StoredObject:
    """An object in a store, with the credentials to read or write it.

    Args:
        credentials: Credentials from the service. From here on, their repr shows no secret.
        endpoint: URL of a store other than Amazon S3.

    Attributes:
        filename: File name for the downloaded object.

    Raises:
        InternalError: If these credentials cannot be used.
    """

    def __init__(self, credentials: "S3Credentials", *, endpoint: str | None = None) -> None:
        hide_credentials(credentials)
        if not is_s3_supported():
            raise InternalError(
                "The service sent storage credentials that were not requested. To use them, "
                "pip install 'qai-hub-openapi[s3]'."
            )
        self.filename = credentials.filename
        self._credentials = credentials
        self._url = f"{_bucket_url(credentials, endpoint)}/{quote(credentials.key, safe='/~')}"

    def sign(self, method: str, headers: Mapping[str, str] | None = None, **query: str) -> Secret:
        """Signs a URL of the object.

        Args:
            method: The HTTP method that the URL will be valid for.
            headers: Headers that must be sent with the URL.
            query: Query parameters.

        Returns:
            The URL, which is valid as long as the credentials.
        """
        from botocore.auth import S3SigV4QueryAuth
        from botocore.awsrequest import AWSRequest
        from botocore.credentials import Credentials

        given = self._credentials
        request: Any = AWSRequest(method, self._url, headers, params=query)
        signer = S3SigV4QueryAuth(
            Credentials(given.access_key_id, given.secret_access_key, given.session_token or None),
            "s3",
            given.region,
            expires=_LIFETIME,
        )
        token = _signing.set(True)
        try:
            signer.add_auth(request)
        finally:
            _signing.reset(token)
        return Secret(request.url)


def _bucket_url(credentials: "S3Credentials", endpoint: str | None) -> str:
    from botocore.exceptions import EndpointProviderError

    where: dict[str, Any] = {
        "Bucket": credentials.bucket,
        "Region": credentials.region,
        "Accelerate": credentials.use_transfer_acceleration,
    }
    if endpoint is not None:
        where["Endpoint"] = endpoint
    try:
        return str(_endpoints().resolve_endpoint(**where).url)
    except EndpointProviderError as error:
        raise InternalError(
            f"The service sent credentials for a store without an endpoint: {error}."
        ) from error


@functools.cache
def _endpoints() -> "EndpointProvider":
    """Returns Amazon's endpoint rules, read only from the folder of botocore itself."""
    from botocore.endpoint_provider import EndpointProvider
    from botocore.loaders import Loader

    loader = Loader(
        extra_search_paths=[Loader.BUILTIN_DATA_PATH], include_default_search_paths=False
    )
    rules = loader.load_service_model("s3", "endpoint-rule-set-1")
    return EndpointProvider(rules, loader.load_data("partitions"))


def _is_not_signing(record: logging.LogRecord) -> bool:
    return not _signing.get()


# botocore logs the signed text and the signature. Hide the records of this package, and keep those
# of the program that uses it.
logging.getLogger("botocore.auth").addFilter(_is_not_signing)
