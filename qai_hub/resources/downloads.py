"""Downloads from the hub: to a path, into a folder, or into memory."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple, TypeVar

from qai_hub.config.files import Secret
from qai_hub.errors import InternalError
from qai_hub.temporary_files import temporary_folder
from qai_hub.transfer.s3 import CHECKSUM_MODE_HEADERS, StoredObject, hide_credentials
from qai_hub.transport.values import value_or_none

if TYPE_CHECKING:
    from qai_hub_api import models as api

    from qai_hub.driver import Driver
    from qai_hub.tensors import DatasetEntries
    from qai_hub.transfer.files import FileTransfer

    Downloadable = api.FileDownloadResponse | api.NamedArtifactDownloadURL


T = TypeVar("T")


async def download_file(driver: Driver, answer: Downloadable, filename: str) -> str:
    """Downloads a file to a path; the suffix of the file is added if missing.

    Returns:
        The path.
    """
    (location,) = _get_locations([answer])
    return await driver.run(
        lambda: driver.files.download(
            location.url, filename, location.name, location.headers, location.sha256
        )
    )


async def download_into_folder(driver: Driver, answer: Downloadable, folder: str) -> str:
    """Downloads a file into a folder, under the name that the service reports.

    Returns:
        The path.
    """
    return (await download_all_into_folder(driver, [answer], folder))[0]


async def download_all_into_folder(
    driver: Driver, answers: Sequence[Downloadable], folder: str
) -> list[str]:
    """Downloads files into a folder, under the names that the service reports.

    Returns:
        The paths.
    """
    locations = _get_locations(answers)
    return await driver.run(
        lambda: [_download_into(driver.files, location, folder) for location in locations]
    )


async def load_bytes(driver: Driver, answer: Downloadable) -> bytes:
    """Downloads a file into memory."""
    return await _load(driver, answer, lambda path: Path(path).read_bytes())


async def load_entries(driver: Driver, answer: Downloadable) -> DatasetEntries:
    """Downloads a dataset into memory."""
    from qai_hub.dataset_file import h5_to_dataset_entries

    return await _load(driver, answer, h5_to_dataset_entries)


async def _load(driver: Driver, answer: Downloadable, read: Callable[[str], T]) -> T:
    (location,) = _get_locations([answer])

    def download() -> T:
        with temporary_folder() as folder:
            return read(_download_into(driver.files, location, folder))

    return await driver.run(download)


class _FileLocation(NamedTuple):
    """A file to download: its URL, name, headers to send with the request, and SHA-256 in hex."""

    url: str
    name: str
    headers: dict[str, str]
    sha256: str | None = None


def _download_into(files: FileTransfer, location: _FileLocation, folder: str) -> str:
    return files.download_into(
        location.url, folder, location.name, location.headers, location.sha256
    )


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
