"""Models: files that users upload, and target models that jobs produce."""

from __future__ import annotations

import logging
from datetime import datetime
from typing import TYPE_CHECKING, Any

from qai_hub.display import html
from qai_hub.display.text import format_fields, limit_rows
from qai_hub.display.times import format_moment
from qai_hub.driver import Driver, run_blocking
from qai_hub.errors import UserError, warn_deprecated
from qai_hub.resources.downloads import download_file
from qai_hub.resources.extensions import call_extension
from qai_hub.resources.model_types import ModelMetadataKey, SourceModelType
from qai_hub.resources.payload import io_spec
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
    from qai_hub_api.types import Unset

    from qai_hub.resources.job import Job, JobOwner
    from qai_hub.tensors import IOSpec

logger = logging.getLogger(__name__)

_MAX_TENSORS = 20


class Model(Shareable):
    """A model on the hub. Instances are created by the client, not by users.

    Attributes:
        model_id: Identifier; starts with `m`.
        date: When it was created, as a naive local datetime; 1970 if the service does not report
            it.
        model_type: Format of its file.
        name: Display name.
        model: The model in memory, if it was uploaded from memory.
        verbose: Whether its client showed progress when it was fetched; transfers use the client's
            current setting.

    Examples:
        >>> model = hub.upload_model("model.onnx", name="classifier")
        >>> model.name, model.model_type
        ('classifier', <SourceModelType.ONNX: 6>)
    """

    # Whether it was uploaded by this client and has not been fetched since.
    _is_partial = False
    # Whether the server has its file, when it was fetched.
    _exists = False

    def __init__(
        self,
        owner: JobOwner,
        model_id: str,
        date: datetime,
        model_type: SourceModelType,
        name: str,
        metadata: dict[ModelMetadataKey, str] | None,
        model: Any | None,  # noqa: ANN401 (whatever was uploaded)
        verbose: bool,
        producer: Job | None,
        input_spec: IOSpec | None,
        output_spec: IOSpec | None,
        producer_id: str | None = None,
    ) -> None:
        self._owner: JobOwner = owner
        self.model_id = model_id
        self.date = date
        self.model_type = model_type
        self.name = name
        self.model = model
        self.verbose = verbose
        self._metadata = metadata
        self._producer = producer
        self._producer_id = producer_id or (producer.job_id if producer else None)
        self._input_spec = input_spec
        self._output_spec = output_spec

    @classmethod
    async def _fetch(cls, driver: Driver, owner: JobOwner, model_id: str) -> Model:
        """Fetches a model.

        Raises:
            UserError: If there is no such model, or the caller may not see it.
        """
        from qai_hub_api.api.models import get_model

        return cls._from_response(await driver.call(get_model.sync, model_id), owner)

    @classmethod
    def _from_response(cls, model: api.Model, owner: JobOwner) -> Model:
        """Creates a model from the response to a request for models.

        Raises:
            InternalError: If the payload has no identifier.
        """
        if not valid_id_or_empty(model.model_id):
            raise unexpected_response("a model")
        return cls._from_api(model, owner)

    @classmethod
    def _from_api(
        cls, model: api.Model | Unset, owner: JobOwner, producer: Job | None = None
    ) -> Model:
        """Creates a model from a payload; the identifier is empty if the payload is unset."""
        from qai_hub_api.models import Model as ApiModel

        model = value_or_none(model) or ApiModel()
        created = cls(
            owner,
            valid_id_or_empty(model.model_id),
            to_local_time(model.creation_time),
            SourceModelType._from_api(value_or_none(model.model_type)),
            value_or_none(model.name) or "",
            metadata=None,
            model=None,
            verbose=owner.verbose,
            producer=producer,
            input_spec=None,
            output_spec=None,
            producer_id=valid_id_or_empty(model.producer_id),
        )
        created._update(model)
        return created

    @classmethod
    def _from_upload(
        cls,
        owner: JobOwner,
        answer: api.CreateUpdateResponse,
        model_type: SourceModelType,
        name: str,
    ) -> Model:
        """Creates a model that was just uploaded; other attributes are fetched on demand."""
        model = cls(
            owner,
            answer.id,
            to_local_time(answer.creation_time),
            model_type,
            name,
            metadata=None,
            model=None,
            verbose=owner.verbose,
            producer=None,
            input_spec=None,
            output_spec=None,
        )
        model._is_partial = model._exists = True
        return model

    def _update(self, model: api.Model) -> None:
        """Sets the attributes that the producing job fills in when it is done."""
        self.model_type = SourceModelType._from_api(value_or_none(model.model_type))
        metadata = value_or_none(model.metadata)
        inputs, outputs = value_or_none(model.input_spec), value_or_none(model.output_spec)
        if metadata is not None:
            self._metadata = _parse_metadata(metadata)
        if inputs is not None:
            self._input_spec = io_spec(inputs)
        if outputs is not None:
            self._output_spec = io_spec(outputs)
        # A service may report no upload of what its own jobs have made.
        has_file = bool(value_or_none(model.file_upload_complete))
        self._exists = has_file or self._output_spec is not None

    @property
    def url(self) -> str:
        """URL of the model's page."""
        return f"{self._owner.config.web_url}/models/{self.model_id}/"

    @property
    def metadata(self) -> dict[ModelMetadataKey, str]:
        """Metadata of a target model; waits for the job that produces it."""
        self._ensure_fetched(self._metadata)
        return self._metadata or {}

    @property
    def input_spec(self) -> IOSpec:
        """Inputs by graph; waits for the job that produces the model."""
        self._ensure_fetched(self._input_spec)
        return self._input_spec or {}

    @property
    def output_spec(self) -> IOSpec:
        """Outputs by graph; waits for the job that produces the model."""
        self._ensure_fetched(self._output_spec)
        return self._output_spec or {}

    @property
    def producer(self) -> Job | None:
        """Job that produced the model, or None for an uploaded one.

        Deprecated: call `get_producer`.
        """
        warn_deprecated("Model.producer is deprecated: call get_producer().")
        return self.get_producer()

    def get_producer(self) -> Job | None:
        """Fetches the job that produced the model.

        Returns:
            The job, or None for an uploaded model.

        Examples:
            >>> target_model.get_producer().job_id == compile_job.job_id
            True
        """
        if self._producer is None and self._producer_id:
            self._producer = self._owner.get_job(self._producer_id)
        return self._producer

    def wait(self, timeout: float | None = None) -> bool:
        """Waits until the model exists.

        Args:
            timeout: Maximum seconds to wait for the job; None waits without limit.

        Returns:
            Whether the model exists; always true for an uploaded model.

        Raises:
            TimeoutError: If the job that produces it has not ended in time.

        Examples:
            >>> target_model.wait(timeout=600)
            True
        """
        producer = self.get_producer()
        return producer is None or producer.wait(timeout).success

    def download(self, filename: str, timeout: float | None = None) -> str:
        """Downloads the model's file, waiting for the job that produces it.

        Args:
            filename: Path to write; the model's suffix is added if missing. An existing file is
                replaced.
            timeout: Maximum seconds to wait for the job; None waits without limit.

        Returns:
            Path of the file.

        Raises:
            TimeoutError: If the job that produces it has not ended in time.
            UserError: If that job failed.

        Examples:
            >>> target_model.download("compiled", timeout=600)
            'compiled.onnx'
        """
        downloading = self._download(self._driver, self.get_producer(), filename, timeout)
        return run_blocking(downloading)

    async def _download(
        self,
        driver: Driver,
        producer: Job | None,
        filename: str,
        timeout: float | None = None,  # noqa: ASYNC109 - as Job.wait
    ) -> str:
        """Downloads the model's file, waiting for the job that produces it, if there is one."""
        status = await driver.wait(producer, timeout) if producer else None
        if status and not status.success:
            raise UserError(
                f"Model {self.model_id} was not created: its job failed. {status.message or ''}"
            )
        return await download_file(driver, lambda: self._fetch_url(driver), filename)

    async def _fetch_url(self, driver: Driver) -> api.FileDownloadResponse:
        """Asks the service where the file is, which must exist."""
        from qai_hub_api.api.models import get_model_download

        return await driver.call(
            get_model_download.sync,
            self.model_id,
            supports_s3_credentials=s3_support_parameter(),
        )

    def _ensure_fetched(self, value: object) -> None:
        if value is None and (self._producer_id or self._is_partial) and self.wait():
            from qai_hub_api.api.models import get_model

            self._update(self._owner._connection.call(get_model.sync, self.model_id))
            self._is_partial = False

    def delete(self) -> None:
        """Deletes the model from the hub, with its file.

        Jobs that have ended keep its identifier but nothing else. The official service does not
        support this.

        Raises:
            UserError: If a job that has not ended needs it (the message names the job), if you are
                not the owner, or if the server cannot delete models.

        Examples:
            >>> old = hub.upload_model("model.onnx")
            >>> old.delete()
            >>> old.model_id in [model.model_id for model in hub.get_models()]
            False
        """
        run_blocking(self._delete(self._driver))

    async def _delete(self, driver: Driver) -> None:
        from qai_hub_api.api.models import delete_model

        await call_extension(
            driver,
            delete_model.sync,
            self.model_id,
            action="delete models",
            fetch=lambda: Model._fetch(driver, self._owner, self.model_id),
        )

    @property
    def _sharing_key(self) -> tuple[str, str]:
        return "model", self.model_id

    def __repr__(self) -> str:
        return format_fields("Model", {"model_id": self.model_id, "name": self.name})

    def _repr_html_(self) -> str:
        title = html.link(self.url, "Model"), html.code(self.model_id), self.name
        metadata = {key.name.lower(): value for key, value in (self._metadata or {}).items()}
        return html.card(
            html.headline(*title),
            html.facts(
                {
                    **self._html_facts(),
                    "inputs": _format_specs(self._input_spec),
                    "outputs": _format_specs(self._output_spec),
                    **metadata,
                }
            ),
        )

    def _html_row(self) -> dict[str, str]:
        return {
            "model": html.link(self.url, html.code(self.model_id)),
            "name": html.name(self.name),
            **self._html_facts(),
        }

    def _html_facts(self) -> dict[str, str]:
        # What only the job knows that produces the model would be waited for.
        return {
            "format": self.model_type.name,
            "created": format_moment(self.date),
            "made by job": html.code(self._producer_id or ""),
        }


def _format_specs(graphs: IOSpec | None) -> str:
    """Formats the inputs or outputs of each graph, one a line."""
    lines = [
        f"{f'{graph} / ' if graph else ''}{tensor.name}: {tensor.dtype}"
        f"[{'...' if tensor.shape is None else ', '.join(map(str, tensor.shape))}]"
        for graph, tensors in (graphs or {}).items()
        for tensor in tensors
    ]
    return "\n".join(limit_rows(lines, _MAX_TENSORS))


def _parse_metadata(metadata: api.ModelMetadata) -> dict[ModelMetadataKey, str]:
    parsed: dict[ModelMetadataKey, str] = {}
    for number, value in metadata.entries.additional_properties.items():
        try:
            parsed[ModelMetadataKey(int(number))] = value
        except ValueError:
            logger.debug(
                "model metadata %s = %s has a key that this client does not know", number, value
            )
    return parsed
