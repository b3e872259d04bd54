"""Compile a model with the encodings that AIMET, or another quantizer, found for it.

    python examples/compile_aimet.py

A folder with a model of floats and its encodings is a source model of its own. Here the file is
written by hand, for model.onnx (see make_model.py): the range of each tensor, as scale and offset.
"""

import json
import shutil
from pathlib import Path

import qai_hub as hub

DEVICE = hub.Device("Samsung Galaxy S24")
# Ranges of activations, and the largest magnitudes of weights.
RANGES = {"x": (0, 1), "a": (-3, 3), "b": (0, 3), "c": (-3, 3), "d": (0, 3), "y": (-2, 2)}
WEIGHTS = {"first": 1.03, "second": 0.46, "last": 0.72}


def encode(name: str, low: float, high: float) -> dict[str, object]:
    """Returns the encoding of a tensor: its values are scale * (integer of 8 bits + offset)."""
    scale = (high - low) / 255
    return {
        "name": name,
        "dtype": "INT",
        "bw": 8,
        "enc_type": "PER_TENSOR",
        "is_sym": name in WEIGHTS,
        "scale": [scale],
        "offset": [round(low / scale)],
    }


def main() -> None:
    """Writes the folder, and compiles it."""
    folder = Path("classifier.aimet")
    folder.mkdir(exist_ok=True)
    shutil.copy("model.onnx", folder)
    encodings = {
        "version": "1.0.0",
        "activation_encodings": [encode(name, *ends) for name, ends in RANGES.items()],
        "param_encodings": [encode(name, -most, most) for name, most in WEIGHTS.items()],
    }
    (folder / "model.encodings").write_text(json.dumps(encodings), "utf-8")

    job = hub.submit_compile_job(str(folder), DEVICE, options="--target_runtime onnx")
    path = job.download_target_model("compiled/from_aimet")
    if path is None:
        raise SystemExit(job.get_status().message)
    print(f"{path}: {Path(path).stat().st_size} bytes, of {Path('model.onnx').stat().st_size}")


if __name__ == "__main__":
    main()
