import subprocess
import sys
from collections import OrderedDict
from types import MappingProxyType
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from qai_hub.errors import UserError
from qai_hub.tensors import (
    DTYPES,
    DatasetEntries,
    InputSpecs,
    IOSpec,
    TensorSpec,
    dtype_from_wire,
    dtype_to_wire,
    parse_input_specs,
)


def test_naming_tensors_loads_no_numpy() -> None:
    code = (
        "import sys; from qai_hub.tensors import DatasetEntries, InputSpecs, IOSpec, TensorSpec;"
        "from qai_hub.tensors import parse_input_specs; parse_input_specs({'x': (1, 2)});"
        "def_ = DatasetEntries | None, InputSpecs | None, IOSpec | None;"
        "print(sorted({'numpy', 'h5py', 'httpx'} & set(sys.modules)))"
    )
    run = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, timeout=30, check=True
    )
    assert run.stdout == "[]\n"


def test_types_can_be_annotated_with() -> None:
    def use(a: DatasetEntries | None, b: InputSpecs | None, c: IOSpec | None) -> None: ...

    assert set(use.__annotations__) == {"a", "b", "c", "return"}


def test_tensor_specs() -> None:
    spec = TensorSpec("x", "float32")
    assert spec == ("x", "float32", None, None, None)
    full = TensorSpec("x", "uint8", (1, 2), 0.5, 3.0)
    assert (full.name, full.dtype, full.shape, full.scale, full.zero_point) == full
    assert "scale=0.5" in repr(full)


@pytest.mark.parametrize(
    ("spec", "parsed"),
    [
        ((1, 2), ((1, 2), "float32")),
        ([1, 2], ((1, 2), "float32")),
        (((1, 2), "int32"), ((1, 2), "int32")),
        ([[1, 2], "int32"], ((1, 2), "int32")),
        (((1, 2), np.dtype("uint8")), ((1, 2), "uint8")),
        (((1, 2), np.int8), ((1, 2), "int8")),
        (((1, 2), bool), ((1, 2), "bool")),
        ((), ((), "float32")),
        (((), "int64"), ((), "int64")),
        ((np.int64(3), np.uint8(4)), ((3, 4), "float32")),
        ((2**63 - 1,), ((2**63 - 1,), "float32")),
    ],
)
def test_specs_that_are_understood(spec: object, parsed: object) -> None:
    assert parse_input_specs({"x": spec}) == {"x": parsed}
    shape = parse_input_specs({"x": spec})["x"][0]
    assert all(type(dimension) is int for dimension in shape)


@pytest.mark.parametrize("kind", [dict, OrderedDict, MappingProxyType])
def test_any_mapping_in_its_order(kind: Any) -> None:
    specs = kind({"b": (1,), "a": ((2,), "int8")})
    assert list(parse_input_specs(specs).items()) == [
        ("b", ((1,), "float32")),
        ("a", ((2,), "int8")),
    ]
    assert parse_input_specs(kind({})) == {}


@pytest.mark.parametrize(
    "specs", [None, (1, 2), [("x", (1,))], "x", 3, {"x", (1,)}, np.zeros(3), parse_input_specs]
)
def test_specs_are_a_mapping(specs: object) -> None:
    with pytest.raises(UserError, match=r"must be a dictionary like .*224"):
        parse_input_specs(specs)


@pytest.mark.parametrize("name", [1, None, "", ("x",), b"x"])
def test_names_are_text(name: object) -> None:
    with pytest.raises(UserError, match="name of an input must be text"):
        parse_input_specs({name: (1,)})


@pytest.mark.parametrize(
    ("spec", "told"),
    [
        (None, "shape of 'x' must be a tuple"),
        (5, "shape of 'x' must be a tuple"),
        ("1,2", "shape of 'x' must be a tuple"),
        ({1, 2}, "shape of 'x' must be a tuple"),
        (np.array([1, 2]), "shape of 'x' must be a tuple"),
        (("int32", (1, 2)), "dimension 'int32': it must be an integer"),
        ((1, "int32"), "dimension 'int32': it must be an integer"),
        ((1.0, 2), "dimension 1.0: it must be an integer"),
        ((True, 2), "dimension True: it must be an integer"),
        ((np.bool_(True),), "it must be an integer"),
        ((None, 2), "dimension None"),
        (("N", 2), "dimension 'N'"),
        ((0, 2), "dimension 0: dimensions are fixed and at least 1"),
        ((-1, 2), "dimension -1: dimensions are fixed"),
        ((2**63,), "dimension 9223372036854775808"),
        (((1, 2),), "a shape, or a shape and a dtype"),
        (((1, 2), "int32", 3), "a shape, or a shape and a dtype"),
        (((1, 2), (3, 4)), "dtype (3, 4)"),
        (((1, 2), None), "dtype None"),
        (((1, 2), "float64"), "dtype 'float64': it must be one of float32, float16"),
        (((1, 2), "FLOAT32"), "dtype 'FLOAT32'"),
        (((1, 2), "int4"), "dtype 'int4'"),
        (((1, 2), np.float64), "float64"),
        (((1, 2), float), "dtype <class 'float'>"),
    ],
)
def test_wrong_specs_are_told_apart(spec: object, told: str) -> None:
    with pytest.raises(UserError) as caught:
        parse_input_specs({"fine": (1,), "x": spec})
    assert told in str(caught.value)
    assert "'x'" in str(caught.value)


junk = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.tuples(inner, inner) | st.tuples(inner),
    max_leaves=6,
)


@given(st.dictionaries(st.text(max_size=3) | st.integers(), junk, max_size=3) | junk)
def test_specs_are_parsed_or_refused(specs: object) -> None:
    try:
        parsed = parse_input_specs(specs)
    except UserError:
        return
    for shape, dtype in parsed.values():
        assert all(type(n) is int and 1 <= n < 2**63 for n in shape)
        assert dtype in DTYPES
    assert parse_input_specs(parsed) == parsed


@pytest.mark.parametrize("dtype", DTYPES)
def test_dtypes_travel_by_name(dtype: str) -> None:
    assert dtype_to_wire(dtype) == f"TENSOR_DTYPE_{dtype.upper()}"
    assert dtype_from_wire(dtype_to_wire(dtype)) == dtype
    assert np.dtype(dtype).name == dtype


@pytest.mark.parametrize("dtype", ["float64", "", "TENSOR_DTYPE_INT8", "INT8"])
def test_dtypes_that_do_not_travel(dtype: str) -> None:
    with pytest.raises(UserError, match="float32, float16"):
        dtype_to_wire(dtype)


@pytest.mark.parametrize(
    ("wire", "name"),
    [
        ("TENSOR_DTYPE_UNSPECIFIED", "unspecified"),
        ("TENSOR_DTYPE_FLOAT8", "float8"),
        ("odd", "odd"),
        (42, "unknown_42"),
    ],
)
def test_new_dtypes_of_the_wire_are_kept(wire: str | int, name: str) -> None:
    assert dtype_from_wire(wire) == name
