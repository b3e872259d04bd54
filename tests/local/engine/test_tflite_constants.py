from pathlib import Path

import numpy as np
from support.tflite_models import graph, operator, operator_code, tensor, written

from qai_hub.local.engine.tflite.contents import TfliteFile

ADD = 0


def test_constants_of_the_same_shape_and_value_are_stored_once(tmp_path: Path) -> None:
    """The quantizer refuses tensors of several shapes in one place."""
    shapes = [[1, 2], [1, 2], [2], [2]]
    tensors = [tensor("x", [1, 2]), tensor("y", [1, 2])]
    tensors += [tensor(f"c{i}", shape, buffer=1 + i // 3) for i, shape in enumerate(shapes)]
    sums = [operator(ADD, [0, 2 + i], [1]) for i in range(len(shapes))]
    value = np.array([3, 4], np.float32)
    path = tmp_path / "shared.tflite"
    written(path, [graph(tensors, sums, [0], [1])], [operator_code(ADD)], buffers=[value, value])

    file = TfliteFile.read(path)
    file.share_constants()

    constants = file.graph.tensors[2:]
    rows, columns = {each.buffer for each in constants[:2]}, {each.buffer for each in constants[2:]}
    assert len(rows) == len(columns) == 1
    assert rows != columns
    for each in constants:
        values = file.read_floats(each)
        assert values is not None
        np.testing.assert_array_equal(values.ravel(), value)
