"""Write model.onnx, a small classifier of images, which the other examples use.

    python examples/make_model.py

It takes `x`, float32[1, 3, 48, 192], and computes `y`, float32[1, 10]; its weights are random. A
local hub has the same kind of model in the folder `examples` of its data folder. Needs onnx.
"""

import numpy as np
import onnx

GRAPH = """
<ir_version: 9, opset_import: ["": 17]>
classifier (float[1, 3, 48, 192] x) => (float[1, 10] y) {
    a = Conv <strides = [2, 2], pads = [1, 1, 1, 1]> (x, first)
    b = Relu (a)
    c = Conv <strides = [2, 2], pads = [1, 1, 1, 1]> (b, second)
    d = Relu (c)
    e = GlobalAveragePool (d)
    f = Flatten (e)
    y = Gemm <transB = 1> (f, last)
}
"""
WEIGHTS = {"first": (16, 3, 3, 3), "second": (32, 16, 3, 3), "last": (10, 32)}


def main() -> None:
    """Writes the model into the current folder."""
    model = onnx.parser.parse_model(GRAPH)
    rng = np.random.default_rng(0)
    for name, shape in WEIGHTS.items():
        values = rng.normal(scale=np.sqrt(2 / np.prod(shape[1:])), size=shape)
        model.graph.initializer.append(onnx.numpy_helper.from_array(values.astype("f4"), name))
    onnx.checker.check_model(model, full_check=True)
    onnx.save(model, "model.onnx")
    print("Wrote model.onnx")


if __name__ == "__main__":
    main()
