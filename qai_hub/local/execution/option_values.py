"""What the values of options mean: a reader for each sort of value."""

from collections.abc import Callable, Sequence

from qai_hub.local.execution.failures import FailureType, JobFailure

RUNTIMES = ("onnx", "precompiled_qnn_onnx", "qnn_context_binary", "qnn_dlc")
_RUNTIMES_ELSEWHERE = {
    "tflite": "there is no converter from ONNX to TensorFlow Lite that it could use",
    "qnn_lib_aarch64_android": "it has no compiler for Android; a qnn_dlc or qnn_context_binary "
    "takes its place",
}
THREADS = "number_of_threads"
_MOST_THREADS = 256
# Of weights and activations.
_FULL_TYPES = {
    "int8": ("INT8", "INT8"),
    "w8a8": ("INT8", "INT8"),
    "w8a16": ("INT8", "INT16"),
    "w4a8": ("INT4", "INT8"),
    "w4a16": ("INT4", "INT16"),
}
FULL_TYPES = "|".join(_FULL_TYPES)
_FULL_TYPES_ELSEWHERE = {
    "int16": "it quantizes weights to 8 or 4 bits; w8a16 has activations of 16 bits",
    "float16": "a float model for one of QNN's runtimes computes in float16 without it",
}
_COMPUTE_UNITS = ("all", "cpu", "gpu", "npu")
_UNITS_HERE = {"cpu": "the CPU of this hub's host", "npu": "a simulated NPU"}
_RANGE_SCHEMES = ("auto", "min_max")
_RANGE_SCHEMES_ELSEWHERE = ("mse_minimizer",)


def target_runtime(value: str) -> str:
    """Read a target runtime."""
    if value in _RUNTIMES_ELSEWHERE:
        raise JobFailure(
            FailureType.UNSUPPORTED,
            f"This hub cannot compile for the runtime {value!r}: {_RUNTIMES_ELSEWHERE[value]}. "
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


def unused_units(asked: Sequence[str], used: Sequence[str]) -> list[str]:
    """Compare the compute units that a job is to run on with those that it runs on here.

    Args:
        asked: What its options say.
        used: What its model runs on here, the main one first. What that one cannot run falls back
            to the others, whether they were asked for or not.

    Returns:
        Those that it does not run on, although they were asked for.

    Raises:
        JobFailure: The main one was left out.
    """
    main = used[0]
    if not {"all", main} & set(asked):
        raise JobFailure(
            FailureType.UNSUPPORTED,
            f"Here this model runs on {_UNITS_HERE[main]}; --compute_unit {','.join(asked)} leaves "
            f"it out. Supported: --compute_unit {main}|all, or a list with {main} in it.",
        )
    return sorted(set(asked) - {"all", *used})


def full_type(value: str) -> tuple[str, str]:
    """Read the types of weights and activations that a model is to be quantized to."""
    if value in _FULL_TYPES_ELSEWHERE:
        raise JobFailure(
            FailureType.UNSUPPORTED,
            f"This hub cannot quantize to {value!r}: {_FULL_TYPES_ELSEWHERE[value]}. "
            f"Supported: --quantize_full_type {FULL_TYPES}.",
        )
    if value not in _FULL_TYPES:
        raise ValueError("there is no such type.")
    return _FULL_TYPES[value]


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


def tflite_settings(value: str) -> dict[str, str]:
    """Read settings for models of TensorFlow Lite."""
    found = settings(value)
    if THREADS in found:
        number(_MOST_THREADS)(found[THREADS])
    return found
