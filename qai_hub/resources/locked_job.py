"""Jobs of a lock: what they were asked for, what went in, and what came out."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from qai_hub.resources.device import Device

__all__ = ["LockedFile", "LockedJob"]


@dataclass(frozen=True, kw_only=True)
class LockedFile:
    """A file that went into a job, or came out of one.

    Attributes:
        job: The job of the same lock that makes it as its target model; None for any other file,
            and for what came out. It says all there is of an input: the rest is empty then.
        id: Identifier of the model or dataset, where it was locked.
        name: Display name of the model or dataset.
        format: Format of the model, such as `"ONNX"`; empty for data.
        size: Size in bytes; None if it could not be locked.
        sha256: SHA-256 of its content, in hex; None if it could not be locked.
        content_sha256: SHA-256 of what does not change with the time of its making, in hex: that of
            a DLC, without its metadata; None for all other formats, which hold no time.

    Examples:
        >>> (source,) = hub.lock_jobs([compile_job]).jobs[0].models
        >>> source.format, len(source.sha256)
        ('ONNX', 64)
    """

    job: str | None = None
    id: str = ""
    name: str = ""
    format: str = ""
    size: int | None = None
    sha256: str | None = None
    content_sha256: str | None = None

    def is_same(self, other: LockedFile) -> bool:
        """Returns whether two files have the same content, but for the time of their making.

        Args:
            other: The other file.

        Returns:
            Whether they have; false if the content of this one is not known.

        Examples:
            >>> (source,) = hub.lock_jobs([compile_job]).jobs[0].models
            >>> source.is_same(source)
            True
        """
        if self.sha256 is None:
            return False
        if self.sha256 == other.sha256:
            return True
        return self.content_sha256 is not None and self.content_sha256 == other.content_sha256

    def describe(self) -> str:
        """Describes it in a few words.

        Returns:
            The begin of its SHA-256, and its size; or which job makes it; `"not locked"` if nothing
            is known.

        Examples:
            >>> made = hub.lock_jobs([compile_job]).jobs[0].outputs["target_model"]
            >>> made.describe().startswith(made.sha256[:16])
            True
        """
        if self.job is not None:
            return f"made by {self.job}"
        if self.sha256 is None:
            return "not locked"
        size = "" if self.size is None else f", {self.size:,} bytes"
        return f"{self.sha256[:16]}{size}"

    @classmethod
    def _from_document(cls, document: Mapping[str, Any]) -> LockedFile:
        return cls(**document)

    def _to_document(self) -> dict[str, Any]:
        return {name: value for name, value in vars(self).items() if value not in (None, "")}


@dataclass(frozen=True, kw_only=True)
class LockedJob:
    """A job that has succeeded: what it was asked for, what went in, and what came out.

    Attributes:
        id: Identifier of the job, where it was locked.
        type: `"compile"`, `"quantize"`, `"link"` or `"inference"`.
        name: Display name.
        options: Options, as on a command line.
        devices: The devices that it is for; none for a quantize job.
        input_specs: Compile: the shape and dtype of each input, as submitted.
        weights_dtype: Quantize: type of the weights, such as `"INT8"`; empty for other jobs.
        activations_dtype: Quantize: type of the activations; empty for other jobs.
        profiling: Inference: whether it profiles.
        models: The input models, in order.
        data: The calibration data, or the inputs; None if there are none.
        tools: The version of each tool that it was carried out with.
        outputs: `target_model` or `output_data`.
        numbers: What was measured and does not depend on time: the PSNR of each output of a
            quantized model, in decibels, and the number of layers on each compute unit.
        gaps: What could not be locked, and why.

    Examples:
        >>> locked = hub.lock_jobs([compile_job]).jobs[0]
        >>> locked.type, sorted(locked.outputs)
        ('compile', ['target_model'])
    """

    id: str
    type: str
    name: str = ""
    options: str = ""
    devices: tuple[Device, ...] = ()
    input_specs: Mapping[str, tuple[tuple[int, ...], str]] = field(default_factory=dict)
    weights_dtype: str = ""
    activations_dtype: str = ""
    profiling: bool = False
    models: tuple[LockedFile, ...] = ()
    data: LockedFile | None = None
    tools: Mapping[str, str] = field(default_factory=dict)
    outputs: Mapping[str, LockedFile] = field(default_factory=dict)
    numbers: Mapping[str, float] = field(default_factory=dict)
    gaps: tuple[str, ...] = ()

    @property
    def inputs(self) -> dict[str, LockedFile]:
        """The files that went in, each with what it is to the job."""
        one = len(self.models) == 1
        found = {"model" if one else f"model {i}": each for i, each in enumerate(self.models, 1)}
        return found if self.data is None else {**found, "data": self.data}

    @classmethod
    def _from_document(cls, document: Mapping[str, Any]) -> LockedJob:
        given = dict(document)
        data = given.pop("data", None)
        specs = given.pop("input_specs", {})
        return cls(
            devices=tuple(Device(**each) for each in given.pop("devices", ())),
            input_specs={
                name: (tuple(spec["shape"]), spec["dtype"]) for name, spec in specs.items()
            },
            models=tuple(map(LockedFile._from_document, given.pop("models"))),
            data=None if data is None else LockedFile._from_document(data),
            outputs={
                name: LockedFile._from_document(each)
                for name, each in given.pop("outputs", {}).items()
            },
            gaps=tuple(given.pop("gaps", ())),
            **given,
        )

    def _to_document(self) -> dict[str, Any]:
        document = {
            **vars(self),
            "devices": [vars(each) for each in self.devices],
            "input_specs": {
                name: {"shape": list(shape), "dtype": dtype}
                for name, (shape, dtype) in self.input_specs.items()
            },
            "models": [each._to_document() for each in self.models],
            "data": None if self.data is None else self.data._to_document(),
            "tools": dict(sorted(self.tools.items())),
            "outputs": {name: each._to_document() for name, each in sorted(self.outputs.items())},
            "numbers": dict(sorted(self.numbers.items())),
            "gaps": list(self.gaps),
        }
        empty: tuple[object, ...] = (None, "", False, [], {})
        # Data that could not be locked are data nevertheless.
        kept = {"data"} if self.data is not None else set()
        return {name: v for name, v in document.items() if v not in empty or name in kept}
