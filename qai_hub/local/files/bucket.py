"""A bucket of an S3-compatible object storage: its URL, its client and its errors.

botocore reads credentials as all of Amazon's tools do: from variables such as `AWS_ACCESS_KEY_ID`,
from `~/.aws`, or from the role of a machine or container. Where the bucket is comes from the URL
alone.
"""

import logging
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from importlib.util import find_spec
from typing import Any, Self
from urllib.parse import parse_qsl, urlsplit

from qai_hub.local.files.store import FilesUnavailableError

MEDIA_TYPE = "application/octet-stream"
"""The media type of all objects."""

TAKEN_CODES = frozenset({"PreconditionFailed", "412", "ConditionalRequestConflict"})
"""What a write of a new object answers where the object exists, or another writes it."""

# Seconds that one try of a request may take to connect, and between two reads.
_CONNECT_SECONDS = 5
_READ_SECONDS = 60
_TRIES = 3
_CONNECTIONS = 32
_FORM = "s3://BUCKET/PREFIX?endpoint=URL&region=NAME"
_MISSING_CODES = frozenset({"404", "NoSuchKey", "NoSuchUpload", "NotFound"})


@dataclass(frozen=True, slots=True)
class BucketUrl:
    """Where a hub's files are.

    Attributes:
        bucket: The bucket.
        prefix: What all keys begin with: empty, or ending in a slash.
        endpoint: URL of a service other than Amazon's; None for that.
        region: Its region; None for that of the environment.
    """

    bucket: str
    prefix: str = ""
    endpoint: str | None = None
    region: str | None = None

    @classmethod
    def parse(cls, text: str) -> Self:
        """Read `s3://bucket/prefix?endpoint=…&region=…`.

        Raises:
            ValueError: It is something else, or has credentials in it.
        """
        url = urlsplit(text)
        options = dict(parse_qsl(url.query, keep_blank_values=True))
        unknown = options.keys() - {"endpoint", "region"}
        endpoint = urlsplit(options.get("endpoint", ""))
        if "@" in url.netloc or "@" in endpoint.netloc:
            # Not the text itself, which contains a secret.
            raise ValueError(
                "files must be a URL without credentials, which come from the environment, such as "
                "AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY"
            )
        if url.scheme != "s3" or not url.netloc or url.fragment or unknown:
            raise ValueError(f"files must be a URL like {_FORM}")
        if "endpoint" in options and (
            endpoint.scheme not in {"http", "https"} or not endpoint.netloc
        ):
            raise ValueError("the endpoint in files must begin with http:// or https://")
        prefix = url.path.strip("/")
        return cls(
            url.netloc,
            f"{prefix}/" if prefix else "",
            options.get("endpoint") or None,
            options.get("region") or None,
        )

    def __str__(self) -> str:
        return f"s3://{self.bucket}/{self.prefix}"


class Bucket:
    """A bucket, and the client that sends its requests.

    Args:
        url: Where it is.

    Attributes:
        name: Its name.
        client: botocore's client, usable from any thread.

    Raises:
        ValueError: The extra `team` is missing, or no region or credentials are to be found.
    """

    def __init__(self, url: BucketUrl) -> None:
        if find_spec("botocore") is None:
            raise ValueError(
                "files on object storage need botocore: run `pip install 'qai-hub-openapi[team]'`"
            )
        from botocore.config import Config
        from botocore.exceptions import BotoCoreError
        from botocore.session import Session

        # It would log what it signs, signatures, and at each start where it found credentials.
        logging.getLogger("botocore").setLevel(logging.WARNING)
        session = Session()
        self._url = url
        self.name = url.bucket
        try:
            if session.get_credentials() is None:
                raise ValueError(
                    f"there are no credentials for {url}: set AWS_ACCESS_KEY_ID and "
                    "AWS_SECRET_ACCESS_KEY, or what else botocore reads them from"
                )
            self.client: Any = session.create_client(
                "s3",
                region_name=url.region,
                endpoint_url=url.endpoint,
                config=Config(
                    connect_timeout=_CONNECT_SECONDS,
                    read_timeout=_READ_SECONDS,
                    retries={"mode": "standard", "total_max_attempts": _TRIES},
                    max_pool_connections=_CONNECTIONS,
                    tcp_keepalive=True,
                    signature_version="s3v4",
                    ignore_configured_endpoint_urls=True,
                    # Other services refuse the checksums that Amazon's recommends.
                    request_checksum_calculation="when_required",
                    response_checksum_validation="when_required",
                    s3={"addressing_style": "path" if url.endpoint else "auto"},
                ),
            )
        except BotoCoreError as error:
            raise ValueError(f"{url} cannot be used: {error}") from error

    def __str__(self) -> str:
        return str(self._url)

    def close(self) -> None:
        """Close its connections."""
        self.client.close()

    def key(self, *parts: str) -> str:
        """Return a key, below the prefix."""
        return self._url.prefix + "/".join(parts)

    def call(self, operation: str, **parameters: Any) -> dict[str, Any]:  # noqa: ANN401 - of any type
        """Send a request, several times if need be.

        Args:
            operation: The operation, a method of the client.
            parameters: Its parameters, but for the bucket.

        Returns:
            The answer.

        Raises:
            FileNotFoundError: There is no such object or upload.
            FilesUnavailableError: It failed; its cause is botocore's error.
        """
        with self.translated_errors():
            answer: dict[str, Any] = getattr(self.client, operation)(Bucket=self.name, **parameters)
            return answer

    def read_text(self, name: str) -> str | None:
        """Return the text of a small object below the prefix; None if it does not exist."""
        with self.translated_errors():
            try:
                answer = self.call("get_object", Key=self.key(name))
            except FileNotFoundError:
                return None
            return bytes(answer["Body"].read()).decode("utf-8", "replace")

    def write_new_text(self, name: str, text: str) -> str:
        """Write a small object below the prefix unless it exists, and return its text."""
        try:
            self.call("put_object", Key=self.key(name), Body=text.encode("utf-8"), IfNoneMatch="*")
        except FilesUnavailableError as error:
            if error_code(error) not in TAKEN_CODES:
                raise
        return self.read_text(name) or ""

    @contextmanager
    def translated_errors(self) -> Iterator[None]:
        """Raise the hub's own errors in place of botocore's."""
        from botocore.exceptions import BotoCoreError, ClientError

        try:
            yield
        except ClientError as error:
            code = str(error.response.get("Error", {}).get("Code", ""))
            if code in _MISSING_CODES:
                raise FileNotFoundError(f"{self} has no such object or upload") from error
            raise FilesUnavailableError(self, f"refuses a request: {code}") from error
        except BotoCoreError as error:
            name = type(error).__name__
            raise FilesUnavailableError(self, f"cannot be reached: {name}") from error


def error_code(error: OSError) -> str:
    """Return the service's code of an error, such as `NoSuchUpload`; empty if it did not answer."""
    response = getattr(error.__cause__, "response", None)
    return str(response.get("Error", {}).get("Code", "")) if isinstance(response, dict) else ""
