"""Link the two parts of a language model, which share their weights, into one context binary.

    python examples/link_prompt_and_token.py

A prompt is read many tokens at a time, an answer is written token by token: the same network at
two sizes, prompt.onnx and token.onnx (see make_language_model.py), becomes one file with a graph
for each. A local hub needs the extra `qnn`.
"""

import numpy as np

import qai_hub as hub

DEVICE = hub.Device("Samsung Galaxy S24")
GRAPHS = ["prompt", "token"]
PROMPT = [3, 14, 15, 9, 26, 53, 58, 9]


def run(model: hub.Model, graph: str, ids: list[int], cache: np.ndarray) -> tuple[int, np.ndarray]:
    """Runs a graph.

    Args:
        model: The linked model.
        graph: The name of the graph.
        ids: As many tokens as it takes.
        cache: Keys and values of the 16 tokens before, float32[2, 16, 32].

    Returns:
        The token that follows, and the cache with those of `ids` at its end.
    """
    inputs = {"ids": [np.array(ids, np.int32)], "past_k": [cache[0]], "past_v": [cache[1]]}
    options = f"--qnn_options context_enable_graphs={graph}"
    job = hub.submit_inference_job(model, DEVICE, inputs, options=options, profile=False)
    outputs = job.download_output_data()
    if outputs is None:
        raise SystemExit(job.get_status().message)
    new = np.stack([outputs["new_k"][0], outputs["new_v"][0]])
    return int(outputs["logits"][0][-1].argmax()), np.concatenate([cache, new], axis=1)[:, -16:]


def main() -> None:
    """Compiles and links both parts, and lets them write three tokens."""
    _, link_job = hub.submit_compile_and_link_jobs(
        [f"{graph}.onnx" for graph in GRAPHS], DEVICE, graph_names=GRAPHS
    )
    linked = link_job.get_target_model() if link_job else None
    if linked is None:
        raise SystemExit("A part was not compiled or linked: see the jobs.")
    print(linked.download("linked/language_model"))

    token, cache = run(linked, "prompt", PROMPT, np.zeros((2, 16, 32), np.float32))
    answer = [token]
    while len(answer) < 3:
        token, cache = run(linked, "token", [token], cache)
        answer.append(token)
    print(f"The answer: {answer}")


if __name__ == "__main__":
    main()
