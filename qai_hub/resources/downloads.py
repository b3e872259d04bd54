"""Downloads from the hub: to a path, into a folder, or into memory."""

from __future__ import annotations

import functools
import time
from collections.abc import Awaitable, Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple, TypeVar

from qai_hub.config.files import Secret
from qai_hub.driver import enter_blocking_context
from qai_hub.errors import InternalError, UserError
from qai_hub.temporary_files import temporary_folder
from qai_hub.transfer.s3 import CHECKSUM_MODE_HEADERS, StoredObject, hide_credentials
from qai_hub.transport.values import value_or_none

if TYPE_CHECKING:
    from qai_hub_api import models as api

    from qai_hub.dataset_reader import DatasetReader
    from qai_hub.driver import Driver
    from qai_hub.tensors import DatasetEntries

    Downloadable = api.FileDownloadResponse | api.NamedArtifactDownloadURL
    FetchURL = Callable[[], Awaitable[Downloadable]]
    FetchURLs = Callable[[], Awaitable[Sequence[Downloadable]]]


T = TypeVar("T")

# Statuses of file servers for a URL that has expired; S3 answers 400 when credentials have.
_EXPIRED = frozenset({400, 401, 403})
# A URL that was good for so many seconds has expired, and was not refused from the start.
_MIN_LIFETIME = 10.0


async def download_file(driver: Driver, fetch: FetchURL, filename: str) -> str:
    """Downloads a file to a path; the suffix of the file is added if missing.

    Args:
        driver: Runs the requests and transfers.
        fetch: Asks the service where the file is. It is asked again if the URL expires.
        filename: The path.

    Returns:
        The path.
    """
    (path,) = await _transfer(
        driver,
        _single(fetch),
        lambda location: driver.files.download(
            location.url, filename, location.name, location.headers, location.sha256
        ),
    )
    return path


async def download_into_folder(driver: Driver, fetch: FetchURL, folder: str) -> str:
    """Downloads a file into a folder, under the name that the service reports.

    Returns:
        The path.
    """
    return (await download_all_into_folder(driver, _single(fetch), folder))[0]


async def download_all_into_folder(driver: Driver, fetch: FetchURLs, folder: str) -> list[str]:
    """Downloads files into a folder, under the names that the service reports.

    Returns:
        The paths.
    """
    return await _transfer(
        driver,
        fetch,
        lambda location: driver.files.download_into(
            location.url, folder, location.name, location.headers, location.sha256
        ),
    )


async def load_bytes(driver: Driver, fetch: FetchURL) -> bytes:
    """Downloads a file into memory."""
    return await _load(driver, fetch, lambda path: Path(path).read_bytes())


async def load_entries(driver: Driver, fetch: FetchURL) -> DatasetEntries:
    """Downloads a dataset into memory."""
    from qai_hub.dataset_file import h5_to_dataset_entries

    return await _load(driver, fetch, h5_to_dataset_entries)


async def open_entries(driver: Driver, fetch: FetchURL) -> DatasetReader:
    """Downloads a dataset to a temporary file, which is deleted when the reader is closed."""
    from qai_hub.dataset_reader import DatasetReader

    async with enter_blocking_context(driver, _temporary_folder) as (folder, cleanup):
        path = await download_into_folder(driver, fetch, folder)
        return await driver.run(
            lambda: DatasetReader._open_temporary(path, cleanup), DatasetReader.close
        )


@contextmanager
def _temporary_folder() -> Iterator[tuple[str, ExitStack]]:
    """Creates a temporary folder, and an exit stack that deletes it unless it is taken over."""
    with ExitStack() as cleanup:
        yield cleanup.enter_context(temporary_folder()), cleanup


async def _load(driver: Driver, fetch: FetchURL, read: Callable[[str], T]) -> T:
    async with enter_blocking_context(driver, temporary_folder) as folder:
        path = await download_into_folder(driver, fetch, folder)
        return await driver.run(lambda: read(path))


def _single(fetch: FetchURL) -> FetchURLs:
    async def fetch_list() -> list[Downloadable]:
        return [await fetch()]

    return fetch_list


async def _transfer(
    driver: Driver, fetch: FetchURLs, download: Callable[[_FileLocation], str]
) -> list[str]:
    """Downloads files one after the other, with fresh URLs where these expire on the way.

    A download with a fresh URL goes on where the one before stopped.
    """
    locations = _get_locations(await fetch())
    paths: list[str] = []
    is_renewed = False
    while len(paths) < len(locations):
        location, began = locations[len(paths)], time.monotonic()
        try:
            paths.append(await driver.run(functools.partial(download, location)))
            is_renewed = False
        except UserError as error:
            lasted = time.monotonic() - began >= _MIN_LIFETIME
            if error.status_code not in _EXPIRED or (is_renewed and not lasted):
                raise
            locations, is_renewed = _get_locations(await fetch()), True
    return paths


class _FileLocation(NamedTuple):
    """A file to download: its URL, name, headers to send with the request, and SHA-256 in hex."""

    url: str
    name: str
    headers: dict[str, str]
    sha256: str | None = None


def _get_locations(answers: Sequence[Downloadable]) -> list[_FileLocation]:
    """Returns where files are, and hides signatures and credentials in the responses."""
    for answer in answers:
        hide_credentials(value_or_none(answer.credentials))
        location = _get_signed_url(answer)
        if location is not None:
            location.url = Secret(location.url)
    return [_get_location(answer) for answer in answers]


def _get_location(answer: Downloadable) -> _FileLocation:
    credentials = value_or_none(answer.credentials)
    if credentials is not None:
        stored = StoredObject(credentials)
        return _FileLocation(
            stored.sign("GET", CHECKSUM_MODE_HEADERS), stored.filename, CHECKSUM_MODE_HEADERS
        )
    location = _get_signed_url(answer)
    if location is None:
        raise InternalError("The service did not send a URL for this download.")
    return _FileLocation(location.url, location.filename, {}, value_or_none(location.sha256))


def _get_signed_url(
    answer: Downloadable,
) -> api.FileDownloadURL | api.NamedArtifactDownloadURL | None:
    from qai_hub_api.models import NamedArtifactDownloadURL

    return answer if isinstance(answer, NamedArtifactDownloadURL) else value_or_none(answer.url)
