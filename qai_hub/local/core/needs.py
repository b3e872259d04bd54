"""What a job needs of the process that runs it, and what this machine offers."""

from collections.abc import Callable, Collection, Iterable

from qai_hub.local.config import LABELS
from qai_hub.local.core.kinds import JobKind, target_runtime
from qai_hub.local.engine.protocol import QNN_RUNTIMES
from qai_hub.local.engines.catalog import ENGINES, engine_of_runtime
from qai_hub.local.engines.places import describe_lack
from qai_hub.local.engines.qairt import asked_version, choose_engine
from qai_hub.local.enums import ModelType
from qai_hub.local.frameworks import CAPABILITIES, qairt_version
from qai_hub.local.store.labels import from_text, needs_to_text, to_text
from qai_hub.local.store.relations import InputFacts

BIG, QNN, TFLITE, TORCH, *_ = LABELS

BY_MODEL_TYPE = {
    ModelType.QNN_CONTEXT_BINARY: QNN,
    ModelType.QNN_DLC: QNN,
    ModelType.TFLITE: TFLITE,
    ModelType.TORCHSCRIPT: TORCH,
    ModelType.TORCH_EXPORTED_PROGRAM: TORCH,
}
"""What reads the models of a type, if ONNX Runtime does not."""


def job_needs(
    kind: JobKind,
    options: str,
    inputs: Iterable[InputFacts],
    big_input: int,
    *,
    engines: Callable[[], Collection[str]],
    strict_versions: bool = False,
) -> str:
    """Return what a job needs, as it is stored.

    Args:
        kind: The type of the job.
        options: Its options, as submitted.
        inputs: Its models and its dataset. What a job has made by Qualcomm's compiler needs it
            again, whatever its format, also if it is yet to be made.
        big_input: Size in bytes above which an input is big.
        engines: Returns the names of the engines that jobs can use.
        strict_versions: Whether a job is to have the version of QAIRT that it names, and no other.
    """
    makes_qnn = kind.makes_model and (
        target_runtime(options) in QNN_RUNTIMES
        or kind.target_formats.get("") == ModelType.QNN_CONTEXT_BINARY
    )
    found = {QNN} if makes_qnn else set[str]()
    engine = engine_of_runtime(target_runtime(options)) if kind.makes_model else None
    if engine is not None:
        found.add(engine.label)
    with_qnn = {QNN, *(each.label for each in ENGINES.values() if each.qairt)}
    for each in inputs:
        made_with = from_text(each.producer_needs or "")
        if made_with & with_qnn:
            found.add(QNN)
        if each.model_type in BY_MODEL_TYPE:
            found.add(BY_MODEL_TYPE[ModelType(each.model_type)])
        if each.size is None:
            found |= made_with & {BIG}
        elif each.size > big_input:
            found.add(BIG)
    asked = asked_version(options)
    if QNN in found and asked.numbers:
        other_qnn = choose_engine(
            asked,
            qairt_version(),
            engines(),
            makes_model=kind.makes_model,
            strict=strict_versions,
        )
        if other_qnn is not None:
            found.add(other_qnn.label)
    return needs_to_text(found)


def offered_labels(wanted: Iterable[str] | None) -> str:
    """Return what a process on this machine offers, as it is stored.

    Args:
        wanted: The labels that it is to offer; None for all that it can.

    Raises:
        ValueError: It cannot offer one of them.
    """
    missing = {each.label: each.missing for each in CAPABILITIES if each.label in LABELS}
    missing |= {engine.label: describe_lack(engine) for engine in ENGINES.values()}
    if wanted is None:
        return to_text(name for name in LABELS if not missing.get(name))
    for name in wanted:
        if missing.get(name):
            raise ValueError(f"jobs that need {name} cannot run here: {missing[name]}")
    return to_text(wanted)
