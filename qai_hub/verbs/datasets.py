"""The client's methods on datasets."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from qai_hub.datasets import Dataset
from qai_hub.errors import UserError
from qai_hub.uploads import upload_dataset_file
from qai_hub.verbs.base import Verbs
from qai_hub.verbs.paging import fetch_range

if TYPE_CHECKING:
    from qai_hub_api import models as api

    from qai_hub.projects import Project
    from qai_hub.tensors import DatasetEntries


class DatasetVerbs(Verbs):
    """Methods on datasets."""

    def upload_dataset(
        self,
        data: DatasetEntries | str,
        name: str | None = None,
        project: str | Project | None = None,
    ) -> Dataset:
        """Uploads a dataset, which expires in 30 days.

        Args:
            data: A list of arrays (one a batch) for each input, in the model's order; all lists
                have the same length. Or the path of an HDF5 file of such data.
            name: Name that people will see; None takes the file's, or the names of the inputs.
            project: Project that it goes to; None takes the client's.

        Returns:
            The dataset.

        Raises:
            FileNotFoundError: If there is no file at the path.
            UserError: If the data is not a dataset.
        """
        return self._upload_dataset(data, name, project=project)

    def _upload_dataset(
        self,
        data: DatasetEntries | str,
        name: str | None = None,
        permanent: bool = False,
        project: str | Project | None = None,
    ) -> Dataset:
        from qai_hub_api.api.datasets import create_dataset
        from qai_hub_api.api.projects import create_project_dataset
        from qai_hub_api.models import DatasetCreate

        project_id = self._project_id(project)
        with _h5_file(data) as path:
            default = path.stem if isinstance(data, str | Path) else ", ".join(data)
            body = DatasetCreate(name=(name or default)[:255] or "dataset", permanent=permanent)
            if project_id is None:
                created = self._transport.call(create_dataset.sync, body=body)
            else:
                created = self._transport.call(create_project_dataset.sync, project_id, body=body)
            upload_dataset_file(self._transport, created.id, path)
        dataset = self.get_dataset(created.id)
        dataset.data = None if isinstance(data, str | Path) else data
        return dataset

    def get_dataset(self, dataset_id: str) -> Dataset:
        """Fetches a dataset.

        Args:
            dataset_id: Identifier; starts with `d`.

        Returns:
            The dataset.

        Raises:
            UserError: If there is no such dataset, or you may not see it.
        """
        from qai_hub_api.api.datasets import get_dataset

        return Dataset._from_api(self._transport.call(get_dataset.sync, dataset_id), self._client)

    def get_datasets(self, offset: int = 0, limit: int = 50) -> list[Dataset]:
        """Lists your datasets, newest first.

        Args:
            offset: Datasets to pass over.
            limit: Most datasets to list.

        Returns:
            The datasets.
        """
        from qai_hub_api.api.datasets import list_datasets

        def fetch(offset: int, limit: int) -> tuple[Sequence[api.Dataset], int]:
            page = self._transport.call(list_datasets.sync, offset=offset, limit=limit)
            return page.datasets, page.total_query_count

        return [Dataset._from_api(d, self._client) for d in fetch_range(fetch, offset, limit)]


@contextmanager
def _h5_file(data: DatasetEntries | str) -> Iterator[Path]:
    """The data as an HDF5 file, for as long as the context lasts."""
    from qai_hub.dataset_files import check_h5, dataset_entries_to_h5

    if isinstance(data, str | Path):
        path = Path(data)
        if not path.is_file():
            raise FileNotFoundError(f"There is no dataset at {path}.")
        check_h5(path)
        yield path
    elif isinstance(data, Mapping):
        with tempfile.TemporaryDirectory(prefix="qai-hub-") as folder:
            path = Path(folder) / "data.h5"
            dataset_entries_to_h5(data, path)
            yield path
    else:
        raise UserError(
            "A dataset is a dictionary from names to lists of arrays, or the path of an HDF5 file,"
            f" not a {type(data).__name__}."
        )
