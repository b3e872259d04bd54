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


async def save(driver: Driver, answer: Downloadable, filename: str) -> str:
    """Downloads a file to a path; the suffix of the file is added if missing.

    Returns:
        The path.
    """
    (place,) = _places([answer])
    return await driver.run(
        lambda: driver.files.download(place.url, filename, place.name, place.headers, place.sha256)
    )


async def save_into(driver: Driver, answer: Downloadable, folder: str) -> str:
    """Downloads a file into a folder, under the name that the service reports.

    Returns:
        The path.
    """
    return (await save_all_into(driver, [answer], folder))[0]


async def save_all_into(driver: Driver, answers: Sequence[Downloadable], folder: str) -> list[str]:
    """Downloads files into a folder, under the names that the service reports.

    Returns:
        The paths.
    """
    places = _places(answers)
    return await driver.run(lambda: [_save_into(driver.files, place, folder) for place in places])


async def read_bytes(driver: Driver, answer: Downloadable) -> bytes:
    """Downloads a file into memory."""
    return await _read(driver, answer, lambda path: Path(path).read_bytes())


async def read_entries(driver: Driver, answer: Downloadable) -> DatasetEntries:
    """Downloads a dataset into memory."""
    from qai_hub.dataset_file import h5_to_dataset_entries

    return await _read(driver, answer, h5_to_dataset_entries)


async def _read(driver: Driver, answer: Downloadable, read: Callable[[str], T]) -> T:
    (place,) = _places([answer])

    def download() -> T:
        with temporary_folder() as folder:
            return read(_save_into(driver.files, place, folder))

    return await driver.run(download)


class _Place(NamedTuple):
    """A file to download: its URL, name, headers to send with the request, and SHA-256 in hex."""

    url: str
    name: str
    headers: dict[str, str]
    sha256: str | None = None


def _save_into(files: FileTransfer, place: _Place, folder: str) -> str:
    return files.download_into(place.url, folder, place.name, place.headers, place.sha256)


def _places(answers: Sequence[Downloadable]) -> list[_Place]:
    """Returns where files are, and hides signatures and credentials in the responses."""
    for answer in answers:
        hide_credentials(value_or_none(answer.credentials))
        location = _location(answer)
        if location is not None:
            location.url = Secret(location.url)
    return [_place(answer) for answer in answers]


def _place(answer: Downloadable) -> _Place:
    credentials = value_or_none(answer.credentials)
    if credentials is not None:
        stored = StoredObject(credentials)
        return _Place(
            stored.sign("GET", CHECKSUM_MODE_HEADERS), stored.filename, CHECKSUM_MODE_HEADERS
        )
    location = _location(answer)
    if location is None:
        raise InternalError("The service does not say where this file can be downloaded.")
    return _Place(location.url, location.filename, {}, value_or_none(location.sha256))


def _location(answer: Downloadable) -> api.FileDownloadURL | api.NamedArtifactDownloadURL | None:
    from qai_hub_api.models import NamedArtifactDownloadURL

    return answer if isinstance(answer, NamedArtifactDownloadURL) else value_or_none(answer.url)
