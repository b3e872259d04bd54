"""Write prompt.onnx and token.onnx, the two parts of a language model with the same weights.

    python examples/make_language_model.py

Both are one network of one attention layer, for 8 tokens at a time and for one. The cache of keys
and values is an input, and what belongs into it an output. The weights are random, so what the
model writes has no meaning. For link_prompt_and_token.py; needs onnx.
"""

import numpy as np
import onnx

SIZE, WORDS = 32, 64
TOKENS = {"prompt": 8, "token": 1}
WEIGHTS = {
    "embed": (WORDS, SIZE),
    "w_q": (SIZE, SIZE),
    "w_k": (SIZE, SIZE),
    "w_v": (SIZE, SIZE),
    "head": (SIZE, WORDS),
}
GRAPH = """
<ir_version: 9, opset_import: ["": 17]>
part (int32[TOKENS] ids, float[16, 32] past_k, float[16, 32] past_v)
  => (float[TOKENS, 64] logits, float[TOKENS, 32] new_k, float[TOKENS, 32] new_v) {
    hidden = Gather (embed, ids)
    q = MatMul (hidden, w_q)
    new_k = MatMul (hidden, w_k)
    new_v = MatMul (hidden, w_v)
    k = Concat <axis = 0> (past_k, new_k)
    v = Concat <axis = 0> (past_v, new_v)
    k_t = Transpose (k)
    scores = MatMul (q, k_t)
    weights = Softmax (scores)
    attended = MatMul (weights, v)
    mixed = Add (hidden, attended)
    logits = MatMul (mixed, head)
}
"""


def main() -> None:
    """Writes both parts into the current folder."""
    for name, tokens in TOKENS.items():
        model = onnx.parser.parse_model(GRAPH.replace("[TOKENS", f"[{tokens}"))
        rng = np.random.default_rng(0)
        for weight, shape in WEIGHTS.items():
            values = rng.normal(scale=0.25, size=shape).astype(np.float32)
            model.graph.initializer.append(onnx.numpy_helper.from_array(values, weight))
        onnx.checker.check_model(model, full_check=True)
        onnx.save(model, f"{name}.onnx")
    print("Wrote prompt.onnx and token.onnx")


if __name__ == "__main__":
    main()
