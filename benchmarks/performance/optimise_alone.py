"""Has ONNX Runtime alone load and optimise a model, and write it: no hub, no checks.

    python optimise_alone.py MODEL FOLDER

Prints the seconds, without the imports, and the peak of resident memory in MiB, as JSON.
"""

import json
import sys
import time
from pathlib import Path

import onnxruntime


def main(model: str, folder: str) -> None:
    """Measures, and prints the figures."""
    began = time.perf_counter()
    options = onnxruntime.SessionOptions()
    options.graph_optimization_level = onnxruntime.GraphOptimizationLevel.ORT_ENABLE_BASIC
    options.optimized_model_filepath = f"{folder}/model.onnx"
    options.add_session_config_entry(
        "session.optimized_model_external_initializers_file_name", "model.data"
    )
    onnxruntime.InferenceSession(model, options, providers=["CPUExecutionProvider"])
    wall = time.perf_counter() - began
    status = Path("/proc/self/status").read_text("utf-8")
    memory = int(status.partition("VmHWM:")[2].split()[0]) / 1024
    print(json.dumps({"wall": wall, "memory": memory}))


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2])
