"""Datasets of any names, dtypes and shapes, and how to compare their arrays."""

from typing import Any

import numpy as np
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from qai_hub.tensors import DTYPES

Array = np.ndarray[Any, Any]

_arrays = hnp.arrays(
    st.sampled_from(DTYPES).map(np.dtype),
    hnp.array_shapes(min_dims=0, max_dims=4, min_side=0, max_side=4),
)
_names = st.text(max_size=8).filter(lambda name: "\0" not in name) | st.sampled_from(
    ["", "a/b", "/", "..", "日本", "data", "batch_0"]
)


@st.composite
def datasets(draw: st.DrawFn) -> dict[str, list[Array]]:
    """Datasets of a few samples, each of its own shape and dtype."""
    count = draw(st.integers(1, 3))
    samples = st.lists(_arrays, min_size=count, max_size=count)
    return draw(st.dictionaries(_names, samples, min_size=1, max_size=12))


def same_array(a: Array, b: Array) -> bool:
    """Whether two arrays are equal to the bit."""
    return a.dtype.name == b.dtype.name and a.shape == b.shape and a.tobytes() == b.tobytes()
