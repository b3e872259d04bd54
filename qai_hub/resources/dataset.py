"""Datasets: inputs, outputs and calibration data."""

from __future__ import annotations

import functools
from datetime import datetime
from typing import TYPE_CHECKING, overload

from qai_hub.display import html
from qai_hub.display.text import format_fields
from qai_hub.display.times import format_moment
from qai_hub.driver import Driver, run_blocking
from qai_hub.resources.downloads import download_file, load_entries, open_entries
from qai_hub.resources.extensions import call_extension
from qai_hub.resources.sharing import Shareable
from qai_hub.transfer.s3 import s3_support_parameter
from qai_hub.transport.values import (
    to_local_time,
    unexpected_response,
    valid_id_or_empty,
    value_or_none,
)

if TYPE_CHECKING:
    from qai_hub_api import models as api

    from qai_hub.dataset_reader import DatasetReader
    from qai_hub.owner import Owner
    from qai_hub.tensors import DatasetEntries


class Dataset(Shareable):
    """A dataset on the hub. Instances are created by the client, not by users.

    Attributes:
        dataset_id: Identifier; starts with `d`.
        creation_time: When it was created, as a naive local datetime; 1970 if the service does not
            report it.
        expiration_time: When it expires, as a naive local datetime; None if it never does.
        name: Display name.
        verbose: Whether its client showed progress when it was fetched; transfers use the client's
            current setting.
        data: The uploaded data, if it was uploaded from memory; None if it came from iterators.

    Examples:
        >>> arrays = dataset.download()
        >>> {name: len(samples) for name, samples in arrays.items()}
        {'x': 1}
    """

    def __init__(
        self,
        owner: Owner,
        dataset_id: str,
        creation_time: datetime,
        expiration_time: datetime | None,
        dataset_name: str,
        verbose: bool,
        data: DatasetEntries | None = None,
    ) -> None:
        self._owner = owner
        self.dataset_id = dataset_id
        self.creation_time = creation_time
        self.expiration_time = expiration_time
        self.name = dataset_name
        self.verbose = verbose
        self.data = data

    @classmethod
    async def _fetch(cls, driver: Driver, owner: Owner, dataset_id: str) -> Dataset:
        """Fetches a dataset.

        Raises:
            UserError: If there is no such dataset, or the caller may not see it.
        """
        from qai_hub_api.api.datasets import get_dataset

        return cls._from_response(await driver.call(get_dataset.sync, dataset_id), owner)

    @classmethod
    def _from_response(cls, dataset: api.Dataset, owner: Owner) -> Dataset:
        """Creates a dataset from the response to a request for datasets.

        Raises:
            InternalError: If the payload has no identifier.
        """
        if not valid_id_or_empty(dataset.dataset_id):
            raise unexpected_response("a dataset")
        return cls._from_api(dataset, owner)

    @classmethod
    def _from_api(cls, dataset: api.Dataset, owner: Owner) -> Dataset:
        """Creates a dataset from a payload, which may be a bare reference."""
        expires = value_or_none(dataset.expiration_time)
        return cls(
            owner,
            valid_id_or_empty(dataset.dataset_id),
            to_local_time(dataset.creation_time),
            to_local_time(expires) if expires else None,
            value_or_none(dataset.name) or "",
            verbose=owner.verbose,
        )

    @classmethod
    def _from_upload(cls, owner: Owner, answer: api.CreateUpdateResponse, name: str) -> Dataset:
        """Creates a dataset that was just uploaded."""
        expires = value_or_none(answer.expiration_time)
        return cls(
            owner,
            answer.id,
            to_local_time(answer.creation_time),
            to_local_time(expires) if expires else None,
            name,
            verbose=owner.verbose,
        )

    @overload
    def download(self, filename: None = None) -> DatasetEntries: ...

    @overload
    def download(self, filename: str) -> str: ...

    def download(self, filename: str | None = None) -> DatasetEntries | str:
        """Downloads the dataset.

        Args:
            filename: Path of an HDF5 file to write; `.h5` is added if missing. None loads the
                dataset into memory.

        Returns:
            For each name, in order, a list of arrays, one per sample; or the path of the file.

        Examples:
            >>> dataset.download()["x"][0].shape
            (1, 3, 48, 192)
            >>> dataset.download("inputs.h5")
            'inputs.h5'
        """
        return run_blocking(self._download(self._driver, filename))

    async def _download(self, driver: Driver, filename: str | None) -> DatasetEntries | str:
        """Downloads the dataset, to a file or into memory."""
        fetch = functools.partial(self._fetch_url, driver)
        if filename is None:
            return await load_entries(driver, fetch)
        return await download_file(driver, fetch, filename)

    def open(self) -> DatasetReader:
        """Downloads the dataset to a temporary file, to read one sample at a time.

        Returns:
            A reader: for each name, in order, a sequence of arrays, one per sample. Use it in a
            `with` statement, which deletes the file at its end. To keep the file, call `download`
            with a filename, and open that with `DatasetReader`.

        Examples:
            >>> with dataset.open() as data:
            ...     means = [float(sample.mean()) for sample in data["x"]]
            >>> means
            [0.0]
        """
        return run_blocking(self._open(self._driver))

    async def _open(self, driver: Driver) -> DatasetReader:
        """Downloads the dataset to a temporary file and opens it."""
        return await open_entries(driver, functools.partial(self._fetch_url, driver))

    async def _fetch_url(self, driver: Driver) -> api.FileDownloadResponse:
        """Asks the service where the file is."""
        from qai_hub_api.api.datasets import get_dataset_download

        return await driver.call(
            get_dataset_download.sync,
            self.dataset_id,
            supports_s3_credentials=s3_support_parameter(),
        )

    def is_expired(self) -> bool:
        """Returns whether the dataset has expired, by this machine's clock.

        Returns:
            Whether it has expired.

        Examples:
            >>> dataset.is_expired()
            False
        """
        expires = self.expiration_time
        return expires is not None and datetime.now() >= expires  # noqa: DTZ005 (naive local)

    def get_expiration_status(self) -> str:
        """Returns, as text, whether the dataset has expired.

        Returns:
            `"Expired"` or `"Not Expired"`.

        Examples:
            >>> dataset.get_expiration_status()
            'Not Expired'
        """
        return "Expired" if self.is_expired() else "Not Expired"

    def delete(self) -> None:
        """Deletes the dataset from the hub, with its file.

        Jobs that have ended keep its identifier but nothing else. The official service does not
        support this.

        Raises:
            UserError: If a job that has not ended needs it (the message names the job), if you are
                not the owner, or if the server cannot delete datasets.

        Examples:
            >>> old = hub.upload_dataset({"x": [np.zeros((1, 3, 48, 192), np.float32)]})
            >>> old.delete()
            >>> old.dataset_id in [dataset.dataset_id for dataset in hub.get_datasets()]
            False
        """
        run_blocking(self._delete(self._driver))

    async def _delete(self, driver: Driver) -> None:
        from qai_hub_api.api.datasets import delete_dataset

        await call_extension(
            driver,
            delete_dataset.sync,
            self.dataset_id,
            action="delete datasets",
            fetch=lambda: Dataset._fetch(driver, self._owner, self.dataset_id),
        )

    @property
    def _sharing_key(self) -> tuple[str, str]:
        return "dataset", self.dataset_id

    def __repr__(self) -> str:
        return format_fields("Dataset", {"dataset_id": self.dataset_id, "name": self.name})

    def _repr_html_(self) -> str:
        title = html.headline("Dataset", html.code(self.dataset_id), self.name)
        return html.card(title, html.facts(self._html_facts()))

    def _html_row(self) -> dict[str, str]:
        return {
            "dataset": html.code(self.dataset_id),
            "name": html.name(self.name),
            **self._html_facts(),
        }

    def _html_facts(self) -> dict[str, str]:
        return {
            "created": format_moment(self.creation_time),
            "expires": format_moment(self.expiration_time),
        }
