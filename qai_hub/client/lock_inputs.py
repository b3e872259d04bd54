"""Finding the files that went into locked jobs: on the hub, or in a folder."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from qai_hub.client.fetch import fetch_dataset, fetch_model
from qai_hub.client.model_upload import find_uploaded_models
from qai_hub.connection import resolve_wire
from qai_hub.errors import UserError
from qai_hub.next_steps import Step
from qai_hub.resources.dataset import Dataset
from qai_hub.resources.file_identity import fetch_identity
from qai_hub.resources.model import Model
from qai_hub.transfer.content import content_sha256
from qai_hub.transport.values import value_or_none

if TYPE_CHECKING:
    from qai_hub.client.upload import UploadingClient
    from qai_hub.driver import Driver
    from qai_hub.resources.locked_job import LockedFile, LockedJob

__all__ = ["InputFinder", "check_folder"]

# What a server answers about an identifier of another server, and about what is gone.
_UNAVAILABLE = frozenset({400, 403, 404, 409, 410})
_DATA = "data"
_DATA_SUFFIXES = frozenset({".h5", ".hdf5", ".npz"})
_MAX_LISTED = 5


class _Wanted(NamedTuple):
    """A file that went into a job."""

    job: LockedJob
    role: str
    file: LockedFile

    @property
    def is_data(self) -> bool:
        return self.role == _DATA

    @property
    def sha256(self) -> str:
        return self.file.sha256 or ""

    @property
    def key(self) -> tuple[bool, str]:
        """What distinguishes it from others: models and data are found apart."""
        return self.is_data, self.sha256

    def describe(self) -> str:
        name = f" {self.file.name!r}" if self.file.name else ""
        return f"the {self.role}{name} of job {self.job.id} (SHA-256 {self.file.describe()})"


class InputFinder:
    """Finds models and datasets with the content of files that went into jobs.

    Args:
        driver: Runs the requests and transfers.
        client: The client.
    """

    def __init__(self, driver: Driver, client: UploadingClient) -> None:
        self._driver = driver
        self._client = client
        self._models: dict[str, Model] = {}
        self._datasets: dict[str, Dataset] = {}

    def get_model(self, file: LockedFile) -> Model:
        """Returns the model with the content of a file, which has been found."""
        return self._models[file.sha256 or ""]

    def get_dataset(self, file: LockedFile | None) -> Dataset | None:
        """Returns the dataset with the content of a file, which has been found; None for None."""
        return None if file is None else self._datasets[file.sha256 or ""]

    async def find(self, jobs: Iterable[LockedJob], folder: Path | None) -> None:
        """Finds all files that went into jobs; those that only the folder has are uploaded.

        Args:
            jobs: The jobs.
            folder: The folder, which exists, and is searched with its subfolders; None for none.

        Raises:
            UserError: If one is neither on the hub nor in the folder, or was never known. Then
                nothing has been uploaded.
        """
        wanted = {each.key: each for each in _list_wanted(jobs)}
        missing = [each for each in wanted.values() if not await self._find_on_hub(each)]
        if not missing:
            return
        searched = (
            [] if folder is None else await self._driver.run(lambda: list(_search(folder, missing)))
        )
        found = {each.key: path for each, path in searched}
        lacking = [each.describe() for each in missing if each.key not in found]
        if lacking:
            where = f" nor in {folder}" if folder else ""
            more = f", and {len(lacking) - _MAX_LISTED} more" if len(lacking) > _MAX_LISTED else ""
            hint = Step("Pass a folder with it as files.", "--files names a folder with it.")
            neither = "neither on the hub" if folder else "not on the hub"
            raise UserError(
                f"What went into the jobs is {neither}{where}: "
                f"{'; '.join(lacking[:_MAX_LISTED])}{more}.{'' if folder else f' {hint}'}"
            )
        for each, path in searched:
            name = each.file.name or None
            if each.is_data:
                data = await self._client._send_dataset(self._driver, str(path), name)
                self._datasets[each.sha256] = data
            else:
                self._models[each.sha256] = await self._client._send_model(
                    self._driver, str(path), name
                )

    async def _find_on_hub(self, wanted: _Wanted) -> bool:
        found = await self._find_by_id(wanted) or await self._find_by_digest(wanted)
        if isinstance(found, Model):
            self._models[wanted.sha256] = found
        elif found is not None:
            self._datasets[wanted.sha256] = found
        return found is not None

    async def _find_by_id(self, wanted: _Wanted) -> Model | Dataset | None:
        """Returns the model or dataset that was locked, if this is the hub that has it."""
        key = wanted.file.id
        if not key.startswith("d" if wanted.is_data else "m"):
            return None
        found: Model | Dataset
        try:
            if wanted.is_data:
                found = await fetch_dataset(self._driver, self._client, key)
            else:
                found = await fetch_model(self._driver, self._client, key)
            identity = await fetch_identity(self._driver, lambda: found._fetch_url(self._driver))
        except UserError as error:
            if error.status_code not in _UNAVAILABLE:
                raise
            return None
        return found if identity.sha256 == wanted.sha256 else None

    async def _find_by_digest(self, wanted: _Wanted) -> Model | Dataset | None:
        from qai_hub_api.api.datasets import list_datasets

        if resolve_wire(self._client.config) == "protobuf":
            # Digests are not on that wire.
            return None
        if wanted.is_data:
            # A service that does not know the parameter returns others as well.
            datasets = await self._driver.call(list_datasets.sync, sha256=wanted.sha256)
            for each in value_or_none(datasets.datasets) or ():
                if value_or_none(each.sha256) == wanted.sha256:
                    return Dataset._from_response(each, self._client)
            return None
        for one in await find_uploaded_models(self._driver, wanted.sha256, wanted.file.size):
            model = Model._from_response(one, self._client)
            if wanted.file.format in ("", model.model_type.name):
                return model
        return None


def check_folder(folder: Path) -> None:
    """Checks that there is a folder to look for files in.

    Raises:
        FileNotFoundError: If there is nothing of this name.
        UserError: If it is no folder.
    """
    if not folder.exists():
        raise FileNotFoundError(f"There is no folder {folder}")
    if not folder.is_dir():
        raise UserError(f"{folder} is not a folder: give the folder that the file is in.")


def _list_wanted(jobs: Iterable[LockedJob]) -> Iterator[_Wanted]:
    for job in jobs:
        for role, file in job.inputs.items():
            if file.job is not None:
                continue
            if file.sha256 is None:
                raise UserError(
                    f"Job {job.id} cannot be repeated, because its {role} could not be locked. "
                    f"{' '.join(job.gaps)}".strip()
                )
            yield _Wanted(job, role, file)


def _search(folder: Path, wanted: Sequence[_Wanted]) -> Iterator[tuple[_Wanted, Path]]:
    """Yields the files of a folder that are wanted."""
    left = list(wanted)
    for path in (folder, *sorted(folder.rglob("*"))):
        for is_data, digest in (
            (False, _digest_model(path, [each for each in left if not each.is_data])),
            *((True, each) for each in _digest_data(path, [each for each in left if each.is_data])),
        ):
            for each in left[:]:
                if each.key == (is_data, digest):
                    left.remove(each)
                    yield each, path
        if not left:
            return


def _digest_model(path: Path, wanted: Sequence[_Wanted]) -> str | None:
    """Returns the digest of a model if a wanted one has its size."""
    from qai_hub.sources import open_source

    if not wanted:
        return None
    try:
        with open_source(path) as source:
            content = source.open_content()
            return content_sha256(content) if _has_size(content.size, wanted) else None
    except (UserError, OSError):
        # Other files may be there as well.
        return None


def _digest_data(path: Path, wanted: Sequence[_Wanted]) -> Iterator[str]:
    """Yields the digests that a dataset has once it is uploaded, if a wanted one has its size."""
    from qai_hub.dataset_file import as_h5

    is_folder = path.is_dir() and any(path.glob("*.npz"))
    if not wanted or not (is_folder or path.suffix in _DATA_SUFFIXES):
        return
    # NumPy files are compressed on their way to a distant hub.
    for compress in (True, False) if is_folder or path.suffix == ".npz" else (True,):
        try:
            with as_h5(path, compress=compress) as converted:
                if _has_size(converted.stat().st_size, wanted):
                    with converted.open("rb") as file:
                        yield hashlib.file_digest(file, "sha256").hexdigest()
        except (UserError, OSError):
            continue


def _has_size(size: int, wanted: Sequence[_Wanted]) -> bool:
    return any(each.file.size in (None, size) for each in wanted)
