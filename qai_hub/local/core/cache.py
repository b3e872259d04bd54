"""The cache: reuses a target model for users who may see the job that made it."""

import functools
import hashlib
import json
import platform
from collections.abc import Mapping
from dataclasses import asdict
from pathlib import Path
from typing import Any

from qai_hub._version import __version__
from qai_hub.local.core.access import filter_visible
from qai_hub.local.core.executor import AttemptSpec
from qai_hub.local.core.kinds import CACHEABLE_WORK
from qai_hub.local.core.specs import verified_digest
from qai_hub.local.engines.catalog import ENGINES
from qai_hub.local.files.store import FileStore
from qai_hub.local.frameworks import installed_version
from qai_hub.local.store import Store
from qai_hub.local.store.files import get_cached_job_ids, get_file
from qai_hub.local.store.people import get_user
from qai_hub.local.store.records import Job
from qai_hub.local.store.relations import get_uses
from qai_hub.local.store.rows import JOBS, MODELS
from qai_hub.option_string import OptionStringError, parse_option_string

# What the compiler needs to know about a chip: devices whose chips agree in this share target
# models.
_CHIP_FIELDS = ("soc_model", "hexagon", "fp16", "weight_sharing")
_ENGINE = Path(__file__).parents[1] / "engine"
_TOOL_DISTRIBUTIONS = ("numpy", "onnx", "onnxruntime", "onnxruntime-qnn", "onnxscript", "torch")


class Cache:
    """Finds a job that has made the target model that another requests.

    The key of a target model covers everything that goes into it: the content of the models and of
    the calibration data, the job type and its parameters, the chip, and the versions of the tools;
    but not names and ids. A target model is reused only for users who may see the job that made it,
    so nobody can find out whether others have made the same.

    Args:
        store: The database.
        storage: The files.
    """

    def __init__(self, store: Store, storage: FileStore) -> None:
        self._store = store
        self._storage = storage
        self._tools = {name: installed_version(name) for name in _TOOL_DISTRIBUTIONS} | {
            "Python": platform.python_version(),
            **{engine.label: engine.digest for engine in ENGINES.values()},
            "qai-hub-openapi": _own_version(),
        }

    def key(self, spec: AttemptSpec) -> str | None:
        """Return the cache key of the target model of a request.

        Args:
            spec: The attempt.

        Returns:
            The key; None if the request makes no model, or its options cannot be read.
        """
        return cache_key(spec, self._tools)

    def find(self, key: str, owner_id: int) -> Job | None:
        """Find a job that has made a target model.

        This reads the files of the model, so it must not be called within a transaction.

        Args:
            key: The cache key of the model.
            owner_id: The user who requests it.

        Returns:
            A job that the user may see, their own first; None if there is none, or its target model
            is damaged.
        """
        with self._store.read() as db:
            cached = JOBS.get_many(db, get_cached_job_ids(db, key))
            jobs = list(filter_visible(db, get_user(db, owner_id), cached.values()).values())
            jobs.sort(key=lambda job: (job.owner_id != owner_id, job.seq))
        return next((job for job in jobs if self._is_intact(job)), None)

    def _is_intact(self, job: Job) -> bool:
        with self._store.read() as db:
            targets = MODELS.get_many(db, get_uses(db, [job.id])[job.id].target).values()
            files = [
                get_file(db, each)
                for made in targets
                for each in (made.file_id, made.source_id)
                if each
            ]
        return bool(files) and all(
            file is not None and verified_digest(self._storage, file) for file in files
        )


def _own_version() -> str:
    """Return the release of this hub; of one in development, with a digest of its engine's code."""
    return f"{__version__} {_digest_code(_ENGINE)}" if ".dev" in __version__ else __version__


@functools.cache
def _digest_code(folder: Path) -> str:
    digest = hashlib.sha256()
    for path in sorted(folder.rglob("*.py")):
        digest.update(path.read_bytes())
    return digest.hexdigest()


def cache_key(spec: AttemptSpec, tools: Mapping[str, str | None]) -> str | None:
    """Return the cache key of the target model of a request.

    Args:
        spec: The attempt.
        tools: The versions of the tools; None for one that is not installed.

    Returns:
        The key; None if the request makes no model, or its options cannot be read.
    """
    request = spec.request
    if request.kind not in CACHEABLE_WORK:
        return None
    try:
        options = parse_option_string(request.options)
    except OptionStringError:
        return None
    chip = (
        None if request.soc is None else {name: getattr(request.soc, name) for name in _CHIP_FIELDS}
    )
    # All fields of the request, so that none can be forgotten; files count by their content.
    parts: dict[str, Any] = asdict(request) | {
        "options": options,
        "soc": chip,
        "tools": dict(tools),
    }
    text = json.dumps(parts, sort_keys=True, default=lambda path: spec.digests[str(path)])
    return hashlib.sha256(text.encode()).hexdigest()
