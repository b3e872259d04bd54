"""What the values of options mean: a reader for each sort of value."""

from collections.abc import Callable, Sequence

from qai_hub.local.execution.failures import FailureType, JobFailure

RUNTIMES = ("onnx",)
_RUNTIMES_ELSEWHERE = (
    "tflite",
    "qnn_dlc",
    "qnn_context_binary",
    "precompiled_qnn_onnx",
    "qnn_lib_aarch64_android",
)
_COMPUTE_UNITS = ("all", "cpu", "gpu", "npu")
_RANGE_SCHEMES = ("auto", "min_max")
_RANGE_SCHEMES_ELSEWHERE = ("mse_minimizer",)


def target_runtime(value: str) -> str:
    """Read a target runtime."""
    if value in _RUNTIMES_ELSEWHERE:
        raise JobFailure(
            FailureType.UNSUPPORTED,
            f"This hub cannot compile for the runtime {value!r}: it has no compiler for it. "
            f"Supported: --target_runtime {'|'.join(RUNTIMES)}.",
        )
    if value not in RUNTIMES:
        raise ValueError("there is no such runtime.")
    return value


def compute_units(value: str) -> tuple[str, ...]:
    """Read a list of compute units, of which a model runs on the first that is there."""
    units = tuple(value.split(","))
    for unit in units:
        if unit not in _COMPUTE_UNITS:
            raise ValueError(f"there is no compute unit {unit!r}.")
    return units


def check_cpu(units: Sequence[str]) -> None:
    """Check that the CPU, the only compute unit of this hub, is among those to run on.

    Args:
        units: The compute units.

    Raises:
        JobFailure: It is not.
    """
    if not {"all", "cpu"} & set(units):
        raise JobFailure(
            FailureType.UNSUPPORTED,
            f"This hub runs models on its host CPU only; --compute_unit {','.join(units)} leaves "
            "the CPU out. Supported: --compute_unit cpu|all, or a list with cpu in it.",
        )


def range_scheme(value: str) -> str:
    """Read how the ranges of activations are told from the calibration data."""
    if value in _RANGE_SCHEMES_ELSEWHERE:
        raise JobFailure(
            FailureType.UNSUPPORTED,
            f"This hub cannot tell ranges by {value!r}: it takes the smallest and the largest "
            f"value. Supported: --range_scheme {'|'.join(_RANGE_SCHEMES)}.",
        )
    if value not in _RANGE_SCHEMES:
        raise ValueError("there is no such scheme.")
    return value


def number(most: int) -> Callable[[str], int]:
    """Make a reader of whole numbers from 1 to `most`."""

    def read(value: str) -> int:
        if not (value.isascii() and value.isdecimal() and len(value) < 10):
            raise ValueError("it is not a number.")
        if not 1 <= int(value) <= most:
            raise ValueError(f"it must be from 1 to {most}.")
        return int(value)

    return read


def switch(value: str) -> bool:
    """Read "true" or "false"."""
    if value.lower() not in {"true", "false"}:
        raise ValueError("it must be true or false.")
    return value.lower() == "true"


def names(value: str) -> tuple[str, ...]:
    """Read names with commas between them, all of them different."""
    found = tuple(name.strip() for name in value.split(","))
    if not all(found):
        raise ValueError("a name is empty.")
    if len(set(found)) < len(found):
        raise ValueError("a name comes twice.")
    return found


def settings(value: str) -> dict[str, str]:
    """Read settings, `a=b;c=d`; a value may have further "=" in it."""
    found: dict[str, str] = {}
    for part in value.split(";"):
        key, equals, text = part.strip().partition("=")
        if not (key and equals and text):
            raise ValueError(f"{part.strip()!r} is not of the form name=value.")
        if key in found:
            raise ValueError(f"{key} comes twice.")
        found[key] = text
    return found
