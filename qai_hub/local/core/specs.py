"""Creates descriptions of attempts from the database, once their files have been verified."""

from collections.abc import Callable, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

from qai_hub.local.config import HubConfig
from qai_hub.local.core.access import filter_visible
from qai_hub.local.core.digests import FileDigests
from qai_hub.local.core.executor import AttemptId, AttemptSpec
from qai_hub.local.core.kinds import KINDS
from qai_hub.local.engine.attempt import AttemptRequest, InputModel, TensorSpec
from qai_hub.local.engine.failures import FailureType, JobFailure
from qai_hub.local.engine.protocol import Soc
from qai_hub.local.engines.catalog import TFLITE
from qai_hub.local.engines.qairt import engine_of_needs
from qai_hub.local.enums import ModelType
from qai_hub.local.files.store import FileStore
from qai_hub.local.store import Store
from qai_hub.local.store.files import get_file
from qai_hub.local.store.labels import from_text
from qai_hub.local.store.people import get_user
from qai_hub.local.store.records import Dataset, File, Job, Model
from qai_hub.local.store.relations import find_model_by_digest, get_uses
from qai_hub.local.store.rows import DATASETS, JOBS, MODELS

SocLookup = Callable[[Mapping[str, Any] | None], Soc | None]
"""Returns the chip of a device, given as jobs store it; of None, the chip that stands for all."""

# Formats of files that users may upload again: their provenance is looked up by their content.
_QNN = (ModelType.QNN_CONTEXT_BINARY, ModelType.QNN_DLC)


class SpecBuilder:
    """Creates descriptions of attempts.

    Args:
        store: The database.
        storage: The files.
        digests: Their digests.
        get_soc: Returns the chip of a device.
        config: The hub's configuration.
    """

    def __init__(
        self,
        store: Store,
        storage: FileStore,
        digests: FileDigests,
        get_soc: SocLookup,
        config: HubConfig,
    ) -> None:
        self._config = config
        self._store = store
        self._storage = storage
        self._digests = digests
        self._get_soc = get_soc

    def build(self, job: Job) -> AttemptSpec:
        """Return the description of a job's current attempt.

        This reads all files of the job, so it must not be called within a transaction.

        Args:
            job: The job, whose input models are there.

        Returns:
            The description.

        Raises:
            JobFailure: A file is damaged or missing, or the dataset has expired.
        """
        with self._store.read() as db:
            uses = get_uses(db, [job.id])[job.id]
            models = MODELS.get_many(db, uses.input)
            dataset = next(iter(DATASETS.get_many(db, uses.dataset).values()), None)
        digests: dict[str, str] = {}
        engine = engine_of_needs(from_text(job.needs))
        inputs = tuple(self._input_model(models[key], digests) for key in uses.input)
        request = AttemptRequest(
            kind=KINDS[job.kind].work,
            inputs=inputs,
            options=job.options,
            input_specs=tuple(map(_parse_spec, job.input_specs or ())),
            dataset=None if dataset is None else self._dataset_path(dataset, digests),
            profile=job.kind == "profile",
            weights_dtype=_short_dtype(job.weights_dtype),
            activations_dtype=_short_dtype(job.activations_dtype),
            soc=self._job_soc(job),
            other_socs=self._other_socs(job),
            check_target=self._config.check_targets and KINDS[job.kind].checks_target,
            analyze_layers=self._config.analyze_layers and job.kind == "quantize",
            calibration=self._calibration(job, models[uses.input[0]], digests),
            engine="" if engine is None else engine.name,
            strict_versions=self._config.strict_versions,
        )
        return AttemptSpec(
            id=AttemptId(job.id, job.attempt),
            request=request,
            digests=digests,
            time_limit=self._config.job_timeout,
            memory_limit=self._config.memory_limit,
        )

    def _calibration(self, job: Job, model: Model, digests: dict[str, str]) -> Path | None:
        """Return the data that a model was calibrated on, if the job's owner may see it.

        It serves the check of the target model, and the ranges of what a conversion to TensorFlow
        Lite adds. A job succeeds without it.
        """
        is_used = self._config.check_targets or TFLITE.label in from_text(job.needs)
        if not is_used or job.kind != "compile" or model.producer_id is None:
            return None
        with self._store.read() as db:
            maker = JOBS.get(db, model.producer_id)
            if maker is None or maker.kind != "quantize":
                return None
            found = DATASETS.get_many(db, get_uses(db, [maker.id])[maker.id].dataset)
            datasets = filter_visible(db, get_user(db, job.owner_id), found.values())
        try:
            return next((self._dataset_path(each, digests) for each in datasets.values()), None)
        except JobFailure:
            return None

    def _job_soc(self, job: Job) -> Soc | None:
        if job.device is None and job.kind != "quantize":
            return None
        return self._get_soc(job.device)

    def _other_socs(self, job: Job) -> tuple[Soc, ...]:
        """Return the distinct chips of a job's devices other than that of its first device."""
        found: dict[tuple[int, int], Soc] = {}
        for device in (job.device, *(job.devices or ())):
            soc = None if device is None else self._get_soc(device)
            if soc is not None:
                found.setdefault((soc.soc_model, soc.hexagon), soc)
        return tuple(found.values())[1:]

    def _input_model(self, model: Model, digests: dict[str, str]) -> InputModel:
        path = self._verified_path(model.file_id, f"the model {model.id}", digests)
        if model.provenance is None and model.model_type in _QNN:
            model = self._with_provenance(model, digests[str(path)])
        provenance, source_id = model.provenance, model.source_id
        source = None
        if source_id is not None:
            source = self._verified_path(source_id, f"the source of the model {model.id}", digests)
        return InputModel(
            path=path, model_type=model.model_type or "", provenance=provenance, source=source
        )

    def _with_provenance(self, model: Model, sha256: str) -> Model:
        """Return a model with the provenance of one with the same content.

        Anyone who has the file may use it, however they obtained it. The provenance goes to the
        worker alone and does not reveal who made the file. It is stored with the model, so that it
        outlives the other one.
        """
        with self._store.write() as db:
            origin = find_model_by_digest(db, sha256)
            if origin is None:
                return model
            known = replace(model, provenance=origin.provenance, source_id=origin.source_id)
            MODELS.update(db, model.id, provenance=known.provenance, source_id=known.source_id)
        return known

    def _dataset_path(self, dataset: Dataset, digests: dict[str, str]) -> Path:
        if dataset.file_id is None or not self._storage.has(dataset.file_id):
            reason = "The dataset expired before the job could run: upload its data again."
            raise JobFailure(FailureType.INVALID_INPUTS, reason)
        return self._verified_path(dataset.file_id, f"the dataset {dataset.id}", digests)

    def _verified_path(
        self, file_id: str | None, description: str, digests: dict[str, str]
    ) -> Path:
        """Return the id of a file as a path, once its content has been verified."""
        path = Path(file_id or "")
        with self._store.read() as db:
            file = get_file(db, file_id or "")
        digest = None
        if file is not None:
            is_known = file.sha256 is not None
            digest = (
                verified_digest(self._storage, file) if is_known else self._digests.get(file.id)
            )
        if file is None or digest is None:
            reason = (
                f"The file of {description} is damaged or missing on this hub's disk. Upload it "
                "again, or repeat the job that produced it."
            )
            raise JobFailure(FailureType.MODEL_CORRUPT, reason)
        digests[str(path)] = digest
        return path


def verified_digest(storage: FileStore, file: File) -> str | None:
    """Return the SHA-256 digest of a file, in hex, if its content is unchanged.

    Args:
        storage: The files.
        file: The file's size and digest in the database.

    Returns:
        The digest; None if the file is missing or has changed.
    """
    digest = storage.digest(file.id, file.size)
    return digest if file.sha256 in (None, digest) else None


def _parse_spec(value: Mapping[str, Any]) -> TensorSpec:
    """Convert an input from the contract's JSON form."""
    tensor = value["tensor_type"]
    return TensorSpec(
        name=value["name"],
        shape=tuple(tensor["shape"]),
        dtype=tensor["dtype"].removeprefix("TENSOR_DTYPE_").lower(),
    )


def _short_dtype(dtype: str | None) -> str:
    return (dtype or "").removeprefix("QUANTIZE_DTYPE_")
