"""Names, shapes and dtypes of tensors."""

import numbers
from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any, NamedTuple, TypeAlias, TypeGuard

from qai_hub.closest import did_you_mean
from qai_hub.errors import InvalidValueError, UserError
from qai_hub.next_steps import Step

if TYPE_CHECKING:
    import numpy as np

__all__ = [
    "DTYPES",
    "INPUT_SPECS",
    "DatasetEntries",
    "DatasetSamples",
    "IOSpec",
    "InputSpecs",
    "TensorSpec",
    "dtype_from_wire",
    "dtype_to_wire",
    "parse_input_specs",
]

DTYPES = (
    "float32",
    "float16",
    "int8",
    "int16",
    "int32",
    "int64",
    "uint8",
    "uint16",
    "bool",
)
"""Names of the dtypes that tensors can have, as in numpy."""

INPUT_SPECS = Step("input_specs", "--input_specs")
"""How the shapes and dtypes of inputs are given."""

_WIRE_PREFIX = "TENSOR_DTYPE_"
_MAX_DIMENSION = 2**63 - 1
_GIVE_SIZE = "Give the size that the model will run with."


class TensorSpec(NamedTuple):
    """An input or output of a model.

    Attributes:
        name: Name of the tensor.
        dtype: Name of the dtype, such as `"float32"`.
        shape: Dimensions; None if they are not known.
        scale: Scale (quantization step) of a quantized tensor.
        zero_point: Integer that represents zero in a quantized tensor.

    Examples:
        >>> for tensors in target_model.input_spec.values():
        ...     for tensor in tensors:
        ...         print(tensor.name, tensor.dtype, tensor.shape)
        x float32 (1, 3, 48, 192)
    """

    name: str
    dtype: str
    shape: tuple[int, ...] | None = None
    scale: float | None = None
    zero_point: float | None = None


InputSpecs: TypeAlias = Mapping[str, tuple[int, ...] | tuple[tuple[int, ...], str]]
"""For each input, in order, its shape, or its shape and dtype name.

The dtype defaults to `float32`.

Examples:
    >>> input_specs = {"image": (1, 3, 224, 224), "mask": ((1, 224), "int64")}
"""

# Input specs as completed by `parse_input_specs`.
ParsedSpecs: TypeAlias = dict[str, tuple[tuple[int, ...], str]]

IOSpec: TypeAlias = dict[str | None, list[TensorSpec]]
"""For each graph of a model, its inputs or outputs; the only graph's name may be None.

Examples:
    >>> [tensor.name for tensors in target_model.output_spec.values() for tensor in tensors]
    ['y']
"""

# The array type is a string, so that defining this alias does not import numpy.
DatasetEntries: TypeAlias = Mapping[str, list["np.ndarray[Any, Any]"]]
"""For each input, in order, its samples; all inputs have the same number of samples.

Examples:
    >>> entries = {"x": [np.zeros((1, 3, 48, 192), np.float32)]}
    >>> dataset = hub.upload_dataset(entries)
"""

DatasetSamples: TypeAlias = Mapping[str, Iterable["np.ndarray[Any, Any]"]]
"""For each input, in order, its samples to upload: a list of arrays, or another iterable of arrays.

From a generator, say, samples are taken while the dataset is written, the first one of each input,
then the second ones, and so on: they need not fit into memory together.

Examples:
    >>> samples = (np.full((1, 3, 48, 192), value, np.float32) for value in range(2))
    >>> dataset = hub.upload_dataset({"x": samples}, name="two levels")
"""


def parse_input_specs(specs: object) -> ParsedSpecs:
    """Checks input specs and fills in defaults.

    Args:
        specs: For each name a shape, or a shape and a dtype. Shapes are tuples or lists of positive
            integers; `()` is a scalar. Dtypes are names or numpy dtypes.

    Returns:
        For each name, in the same order, its shape and dtype; `float32` if none was given.

    Raises:
        UserError: If the specs are anything else.
    """
    if not isinstance(specs, Mapping):
        raise UserError(
            f'{INPUT_SPECS} must be a dictionary like {{"image": (1, 3, 224, 224)}} or '
            f'{{"image": ((1, 3, 224, 224), "uint8")}}, not {type(specs).__name__}.'
        )
    return {_check_name(name): _parse_spec(name, spec) for name, spec in specs.items()}


def dtype_to_wire(dtype: str) -> str:
    """Returns the wire name of a dtype.

    Args:
        dtype: One of `DTYPES`.

    Returns:
        Its name on the wire, such as `"TENSOR_DTYPE_FLOAT32"`.

    Raises:
        UserError: If there is no such dtype.
    """
    if dtype not in DTYPES:
        raise UserError(
            f"There is no dtype {dtype!r}: it must be one of {', '.join(DTYPES)}."
            f"{_similar_dtype(dtype)}"
        )
    return _WIRE_PREFIX + dtype.upper()


def dtype_from_wire(value: str | int) -> str:
    """Returns the name of a dtype on the wire, whether this release knows it or not.

    Args:
        value: Name or number on the wire.

    Returns:
        Its name, such as `"float32"`; `"unknown_42"` for a number.
    """
    if isinstance(value, int):
        return f"unknown_{value}"
    return value.removeprefix(_WIRE_PREFIX).lower()


def _check_name(name: object) -> str:
    if not isinstance(name, str) or not name:
        raise UserError(f"{INPUT_SPECS}: the name of an input must be text, not {name!r}.")
    return name


def _parse_spec(name: str, spec: object) -> tuple[tuple[int, ...], str]:
    if _is_sequence(spec) and spec and _is_sequence(spec[0]):
        if len(spec) != 2:
            raise UserError(
                f"{INPUT_SPECS}: {name!r} is {spec!r}: it must be a shape, or a shape and a dtype."
            )
        return _parse_shape(name, spec[0]), _parse_dtype(name, spec[1])
    return _parse_shape(name, spec), "float32"


def _is_sequence(value: object) -> TypeGuard[Sequence[object]]:
    return isinstance(value, tuple | list)


def _parse_shape(name: str, shape: object) -> tuple[int, ...]:
    if not _is_sequence(shape):
        raise UserError(
            f"{INPUT_SPECS}: the shape of {name!r} must be a tuple like (1, 3, 224, 224), not "
            f"{shape!r}."
        )
    return tuple([_parse_dimension(name, dimension) for dimension in shape])


def _parse_dimension(name: str, value: object) -> int:
    if isinstance(value, bool) or not isinstance(value, numbers.Integral):
        raise UserError(
            f"{INPUT_SPECS}: {name!r} has a dimension {value!r}: it must be an integer. "
            f"{_GIVE_SIZE}"
        )
    dimension = int(value)
    if not 0 < dimension <= _MAX_DIMENSION:
        raise UserError(
            f"{INPUT_SPECS}: {name!r} has a dimension {dimension}: dimensions are fixed and at "
            f"least 1. {_GIVE_SIZE}"
        )
    return dimension


def _parse_dtype(name: str, dtype: object) -> str:
    """Returns the name of a dtype given as a name, a numpy dtype or a scalar type (`np.int8`)."""
    dtype_name = dtype if isinstance(dtype, str) else getattr(dtype, "name", None)
    if dtype_name is None and isinstance(dtype, type):
        dtype_name = dtype.__name__
    if dtype_name not in DTYPES:
        raise InvalidValueError(
            f"{INPUT_SPECS}: {name!r} has the dtype {dtype!r}: it must be one of "
            f"{', '.join(DTYPES)}.{_similar_dtype(str(dtype_name))}"
        )
    return str(dtype_name)


def _similar_dtype(name: str) -> str:
    """Returns a question that names the dtype that was meant."""
    if name in {"float64", "double", "float"}:
        return " Did you mean 'float32'?"
    return did_you_mean(name, DTYPES)
