"""Uploading models and datasets."""

from __future__ import annotations

import functools
from collections.abc import Iterator, Mapping, Sized
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast
from urllib.parse import urlsplit

from qai_hub.client.fetch import fetch_dataset, fetch_model
from qai_hub.client.lists import ListingClient
from qai_hub.config.files import is_loopback
from qai_hub.driver import Driver, enter_blocking_context, run_blocking
from qai_hub.errors import UserError
from qai_hub.resources.dataset import Dataset
from qai_hub.resources.model import Model
from qai_hub.submit.checks import check_name, default_name
from qai_hub.temporary_files import temporary_folder
from qai_hub.transport.values import require_id, value_or_none

if TYPE_CHECKING:
    from qai_hub.resources.project import Project
    from qai_hub.tensors import DatasetEntries, DatasetSamples


class UploadingClient(ListingClient):
    """A client that uploads models and datasets."""

    def upload_model(
        self,
        model: Any,  # noqa: ANN401 (a path, or a model of one of several packages)
        name: str | None = None,
        project: str | Project | None = None,
        *,
        reuse: bool = False,
    ) -> Model:
        """Uploads a model.

        Args:
            model: Path of a file, whose suffix determines the format: `.onnx`, `.pt` (TorchScript),
                `.pt2` (an exported program), `.tflite`, `.dlc`, `.bin` and others. Or the path of a
                folder: one with a `.onnx` file, its weights in one `.data` or `.bin` file, and
                AIMET's `.encodings`, if any; or an `.mlpackage` or `.mlmodelc`. Or the path of a
                ZIP archive of such a folder. Or a model in memory: an `onnx.ModelProto`, a
                `torch.export.ExportedProgram`, a traced or scripted torch module, a Core ML
                `MLModel`, or the bytes of a TFLite model. A `Model` is returned unchanged.
            name: Display name; None uses the file's name.
            project: Project to add it to; None uses the client's default.
            reuse: Whether to return a model that you have uploaded before, instead of uploading the
                same file again: the newest one of the same content and format, with this name and
                in this project if they are given. The official service cannot tell, so there the
                file is uploaded.

        Returns:
            The model.

        Raises:
            FileNotFoundError: If the path does not exist.
            UserError: If it is not a model that can be uploaded.

        Examples:
            >>> model = hub.upload_model("model.onnx", name="classifier")
            >>> model.name
            'classifier'
            >>> hub.upload_model("model.onnx", reuse=True).model_id == model.model_id
            True
        """
        return run_blocking(self._send_model(self._driver, model, name, project, reuse=reuse))

    async def _send_model(
        self,
        driver: Driver,
        model: Any,  # noqa: ANN401 (as above)
        name: str | None = None,
        project: str | Project | None = None,
        *,
        reuse: bool = False,
    ) -> Model:
        """Uploads a model, unless it is on the hub already."""
        from qai_hub_api.models import ModelCreate, ModelType

        from qai_hub.client.model_upload import find_uploaded_model, upload_new_model
        from qai_hub.sources import open_source

        if isinstance(model, Model):
            return model
        project_id = self._project_id(project)
        name = check_name(name)
        async with enter_blocking_context(driver, lambda: open_source(model)) as source:
            content = await driver.run(source.open_content)
            body = ModelCreate(
                name=name or default_name(source.name),
                model_type=ModelType(f"MODEL_TYPE_{source.model_type.name}"),
                is_directory=source.is_directory,
            )
            found = None
            if reuse:
                found = await find_uploaded_model(driver, content, body, name, project_id)
            if found is not None:
                uploaded = Model._from_response(found, self)
            else:
                model_id, created = await upload_new_model(driver, content, body, project_id)
                if created is None or value_or_none(created.creation_time) is None:
                    uploaded = await fetch_model(driver, self, model_id)
                else:
                    uploaded = Model._from_upload(self, created, source.model_type, body.name)
        uploaded.model = None if isinstance(model, str | Path) else model
        return uploaded

    def upload_dataset(
        self,
        data: DatasetSamples | str,
        name: str | None = None,
        project: str | Project | None = None,
    ) -> Dataset:
        """Uploads a dataset, which expires after 30 days.

        Args:
            data: For each input, in the model's order, a list of arrays, one per sample; all lists
                have the same length. A generator or another iterable of arrays may stand for a
                list: its samples are taken one at a time. Or a path: of an HDF5 file with such
                data; of a `.npz` file with an array for each input, one sample; or of a folder of
                `.npz` files, a sample in each, in the order of their names.
            name: Display name; None uses the file's name, or the names of the inputs.
            project: Project to add it to; None uses the client's default.

        Returns:
            The dataset.

        Raises:
            FileNotFoundError: If the path does not exist.
            UserError: If the data is not a dataset.

        Examples:
            >>> samples = [np.full((1, 3, 48, 192), value, np.float32) for value in (0, 1)]
            >>> dataset = hub.upload_dataset({"x": samples}, name="black and white")
            >>> dataset.get_expiration_status()
            'Not Expired'
        """
        return self._upload_dataset(data, name, project=project)

    def _upload_dataset(
        self,
        data: Dataset | DatasetSamples | str,
        name: str | None = None,
        permanent: bool = False,
        project: str | Project | None = None,
    ) -> Dataset:
        uploading = self._send_dataset(self._driver, data, name, permanent, project=project)
        return run_blocking(uploading)

    async def _send_dataset(
        self,
        driver: Driver,
        data: Dataset | DatasetSamples | str,
        name: str | None = None,
        permanent: bool = False,
        project: str | Project | None = None,
    ) -> Dataset:
        """Uploads a dataset, unless it is on the hub already."""
        from qai_hub_api.api.datasets import create_dataset
        from qai_hub_api.api.projects import create_project_dataset
        from qai_hub_api.models import DatasetCreate

        from qai_hub.client.file_upload import note_created_resource, upload_dataset_file

        await driver.run(lambda: check_data(data))
        if isinstance(data, Dataset):
            return data
        project_id = self._project_id(project)
        name = check_name(name)
        # A hub on this machine gets the file faster than it could be compressed.
        is_near = is_loopback(urlsplit(driver.connection.config.api_url).hostname or "")
        writing = functools.partial(_as_h5_file, data, compress=not is_near)
        async with enter_blocking_context(driver, writing) as path:
            default = Path(data).name if isinstance(data, str | Path) else ", ".join(data)
            title = name or default_name(default) or "dataset"
            body = DatasetCreate(name=title, permanent=permanent)
            if project_id is None:
                created = await driver.call(create_dataset.sync, body=body)
            else:
                created = await driver.call(create_project_dataset.sync, project_id, body=body)
            dataset_id = require_id(created.id)
            with note_created_resource(f"Dataset {dataset_id}"):
                await upload_dataset_file(driver, dataset_id, path)
                if value_or_none(created.creation_time) and (
                    permanent or value_or_none(created.expiration_time)
                ):
                    dataset = Dataset._from_upload(self, created, title)
                else:
                    dataset = await fetch_dataset(driver, self, dataset_id)
        dataset.data = _keep_entries(data)
        return dataset


def check_data(data: Dataset | DatasetSamples | str) -> None:
    """Checks that data can be used, or could be uploaded.

    Args:
        data: A dataset, or anything that `upload_dataset` accepts.

    Raises:
        FileNotFoundError: If the path does not exist.
        UserError: If the data is not a dataset, or the dataset has expired.
    """
    from qai_hub.dataset_entries import validate_entries
    from qai_hub.dataset_file import check_file

    if isinstance(data, Dataset):
        if data.is_expired():
            raise UserError(f"{data} has expired: upload its data again.")
    elif isinstance(data, str | Path):
        check_file(Path(data).expanduser())
    elif isinstance(data, Mapping):
        validate_entries(data)
    else:
        raise UserError(
            'A dataset must be a dictionary from names to lists of arrays, like {"image": [array]},'
            f" or the path of an HDF5 or .npz file, not {type(data).__name__}."
        )


def _keep_entries(data: DatasetSamples | str) -> DatasetEntries | None:
    """Returns data that is in memory; None for paths, and for iterators, which are used up."""
    if isinstance(data, str | Path) or not all(isinstance(each, Sized) for each in data.values()):
        return None
    return cast("DatasetEntries", data)


@contextmanager
def _as_h5_file(data: DatasetSamples | str, *, compress: bool) -> Iterator[Path]:
    """Provides the data as an HDF5 file while the context is open."""
    from qai_hub.dataset_file import as_h5, dataset_entries_to_h5

    if isinstance(data, str | Path):
        with as_h5(Path(data).expanduser(), compress=compress) as path:
            yield path
    else:
        with temporary_folder() as folder:
            yield dataset_entries_to_h5(data, Path(folder) / "data.h5", compress=compress)
