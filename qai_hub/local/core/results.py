"""The results of an attempt, and how the hub stores them."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from functools import partial
from pathlib import Path
from typing import Any

from sqlalchemy import Connection

from qai_hub.local.clock import Clock, rfc3339
from qai_hub.local.core import kinds as states
from qai_hub.local.disk import file_digest
from qai_hub.local.files.store import FileStore, NewFile
from qai_hub.local.files.work import WorkFolders
from qai_hub.local.store.files import add_file, save_cache_entry
from qai_hub.local.store.postponed import do_outside
from qai_hub.local.store.records import LONG_ID, Artifact, File, Job, new_id
from qai_hub.local.store.relations import (
    add_artifacts,
    add_result,
    add_uses,
    get_job_result,
    get_uses,
)
from qai_hub.local.store.rows import DATASETS, JOBS, MODELS

# The details in the results of jobs that run no model.
_DETAIL_FIELDS = ("tool_versions", "psnr", "target_check", "layer_accuracy", "tensor_ranges")
# The columns that a model reused from the cache has in common with the original.
_COPIED_COLUMNS = (
    *("file_id", "model_type", "is_directory", "input_spec", "output_spec"),
    *("provenance", "metadata", "source_id"),
)


@dataclass(frozen=True, slots=True)
class Output:
    """A file that an attempt has produced, with its size and digest, ready to be published."""

    file: File
    path: Path

    @classmethod
    def from_file(cls, path: Path) -> "Output":
        """Measure a file. This takes time, so it must not be called within a transaction."""
        return cls(File(new_id("f", LONG_ID), path.stat().st_size, file_digest(path)), path)

    @property
    def new_file(self) -> NewFile:
        """The file as its storage takes it."""
        return NewFile(self.file.id, self.path, self.file.size, self.file.sha256 or "")


@dataclass(frozen=True, slots=True, kw_only=True)
class AttemptResult:
    """How an attempt ended.

    Attributes:
        failure_type: A JobFailureType; that of success if the job succeeded.
        reason: Why the job failed, for its user; empty on success.
        report: What its worker reported.
        outputs: The files that it produced: `target_model`, and with it a `source` for other jobs;
            `output_data`; `profile_trace`, `runtime_log`.
        log: Its log; None for an attempt that never began.
        cache_key: Cache key of its target model; None to keep the model out of the cache.
        cached_job: The job whose target model and result are reused from the cache; None for an
            attempt that ran.
    """

    failure_type: str
    reason: str = ""
    report: Mapping[str, Any] = field(default_factory=dict)
    outputs: Mapping[str, Output] = field(default_factory=dict)
    log: Output | None = None
    cache_key: str | None = None
    cached_job: Job | None = None

    @property
    def new_files(self) -> list[NewFile]:
        """Its files."""
        outputs = [*self.outputs.values(), *([] if self.log is None else [self.log])]
        return [output.new_file for output in outputs]

    @classmethod
    def failure(cls, failure_type: str, reason: str) -> "AttemptResult":
        """Return the result of an attempt that failed and produced nothing."""
        return cls(failure_type=failure_type, reason=reason)


class CachedModelDeleted(Exception):  # noqa: N818 - nobody's fault
    """The model that a job was to reuse from the cache has been deleted in the meantime."""


class ResultStore:
    """Stores the results of attempts.

    Args:
        storage: Where files are published.
        work: Where files are written first.
        clock: Returns the current time.
        dataset_lifetime: How long output datasets can be used.
    """

    def __init__(
        self, storage: FileStore, work: WorkFolders, clock: Clock, dataset_lifetime: timedelta
    ) -> None:
        self._work = work
        self._dataset_lifetime = dataset_lifetime
        self._storage = storage
        self._clock = clock

    def save_results(self, db: Connection, job: Job, result: AttemptResult) -> None:
        """Store the models, datasets and result of a job that succeeded.

        Args:
            db: A writing transaction.
            job: The job, as it was claimed.
            result: How its attempt ended.

        Raises:
            MakerGone: The model that it was to reuse no longer exists.
        """
        if result.cache_key is not None:
            save_cache_entry(db, result.cache_key, job)
        if result.cached_job is not None:
            self._copy_results(db, job, result.cached_job)
            return
        report, outputs = result.report, result.outputs
        for output in outputs.values():
            self.publish(db, output, job.owner_id)
        if "target_model" in outputs:
            self._save_target(db, job, result)
        if "output_data" in outputs:
            self._add_output_dataset(db, job, outputs["output_data"])
        for name in states.ARTIFACTS.keys() & outputs.keys():
            kind, filename = states.ARTIFACTS[name]
            add_artifacts(db, Artifact(job.id, kind, filename, outputs[name].file.id))
        profile = report.get("profile")
        if states.KINDS[job.kind].runs_model:
            # A profile has the tools within.
            tools = {name: report[name] for name in ("tool_versions",) if name in report}
            add_result(db, job.id, tools if profile is None else {"detail": profile})
        else:
            add_result(
                db, job.id, {name: report[name] for name in _DETAIL_FIELDS if name in report}
            )
        if profile is not None:
            memory = profile.get("execution_memory", {}).get("peak")
            JOBS.update(db, job.id, execution_time=profile["execution_time"], peak_memory=memory)

    def save_log(
        self,
        db: Connection,
        job_ids: Sequence[str],
        owner_id: int,
        result: AttemptResult,
        name: str,
    ) -> None:
        """Store the hub's log of an attempt; if it never began, a log with the reason.

        Args:
            db: A writing transaction.
            job_ids: The job; several if they have ended for the same reason.
            owner_id: The owner of the job, or of one of them.
            result: How its attempt ended.
            name: Identifies the log among those that this transaction writes.
        """
        log = result.log
        if log is None:
            now = rfc3339(self._clock())
            line = f"{now} The job did not run: {result.failure_type}: {result.reason}\n"
            log = self.write_log(db, name, line)
        self.publish(db, log, owner_id)
        logs = [Artifact(each, states.HUB_LOG, "hub.log", log.file.id) for each in job_ids]
        add_artifacts(db, *logs)

    def write_log(self, db: Connection, name: str, text: str) -> Output:
        """Write the log of a job that ends in this transaction to a file, ready to be published.

        Args:
            db: A writing transaction, which is begun again if that takes time.
            name: Identifies the log among those that this transaction writes; the same in each try.
            text: The log.
        """
        write = partial(self.write_text, text)
        if not self._storage.is_remote:
            return write()
        return do_outside(db, f"log of {name}", write)

    def write_text(self, text: str) -> Output:
        """Write a text to a file, ready to be published. This may take time."""
        output = Output.from_file(self._work.write_text(text))
        self._storage.stage([output.new_file])
        return output

    def publish(self, db: Connection, output: Output, owner_id: int) -> None:
        """Publish a file that has been staged, within a writing transaction."""
        add_file(db, output.file, owner_id)
        self._storage.put_if_absent(output.file.id, output.path)

    def _save_target(self, db: Connection, job: Job, result: AttemptResult) -> None:
        report, output = result.report, result.outputs["target_model"]
        source = result.outputs.get("source")
        (target,) = get_uses(db, [job.id])[job.id].target
        MODELS.update(
            db,
            target,
            file_id=output.file.id,
            model_type=report["target_model_type"],
            is_directory=output.path.suffix == ".zip",
            producer_attempt=job.attempt,
            input_spec=_tensors_json(report["input_spec"]),
            output_spec=_tensors_json(report["output_spec"]),
            provenance=report.get("provenance"),
            metadata=report.get("metadata"),
            source_id=None if source is None else source.file.id,
        )

    def _copy_results(self, db: Connection, job: Job, cached_job: Job) -> None:
        """Give a job the result of another: its own model, with the same files."""
        targets = {key: uses.target for key, uses in get_uses(db, [job.id, cached_job.id]).items()}
        # The job may have been deleted as well.
        originals = MODELS.get_many(db, targets.get(cached_job.id, ()))
        if not originals:
            raise CachedModelDeleted
        (original,) = originals.values()
        shared = {name: getattr(original, name) for name in _COPIED_COLUMNS}
        MODELS.update(db, targets[job.id][0], producer_attempt=job.attempt, **shared)
        add_result(db, job.id, get_job_result(db, cached_job.id) or {})

    def _add_output_dataset(self, db: Connection, job: Job, output: Output) -> None:
        now = self._clock()
        key = DATASETS.add(
            db,
            owner_id=job.owner_id,
            project_id=job.project_id,
            name=f"{job.name} outputs",
            created=rfc3339(now),
            expires=rfc3339(now + self._dataset_lifetime),
            file_id=output.file.id,
        )
        add_uses(db, job.id, "output", [key])


def _tensors_json(specs: Sequence[Mapping[str, Any]]) -> list[dict[str, Any]]:
    """Convert the engine's descriptions of tensors to the contract's JSON form."""
    return [
        {
            "name": spec["name"],
            "tensor_type": {
                "shape": list(spec["shape"]),
                "dtype": f"TENSOR_DTYPE_{spec['dtype'].upper()}",
            },
            **({"graph_name": spec["graph_name"]} if "graph_name" in spec else {}),
        }
        for spec in specs
    ]
