"""Runs the examples against a local hub in a temporary folder: `make demo`.

The hub knows two users, each with a configuration profile in a temporary home folder: your own
configuration is neither read nor changed. The model is the one in the package rapidocr.
`snapdragon.py` runs where the extra `qnn` is installed.
"""

import argparse
import os
import subprocess
import sys
import tempfile
from importlib.metadata import PackageNotFoundError, distribution
from importlib.util import find_spec
from pathlib import Path

from qai_hub.config import save_config
from qai_hub.local import LocalHub

YOU, COLLEAGUE = "you@example.com", "colleague@example.com"
MODEL = "rapidocr/models/ch_ppocr_mobile_v2.0_cls_mobile.onnx"


def bundled_model() -> Path:
    """Returns the path of the model in the installed package, without importing it."""
    try:
        return Path(str(distribution("rapidocr").locate_file(MODEL)))
    except PackageNotFoundError:
        raise SystemExit("The model is missing: pip install --no-deps rapidocr==3.10.0") from None


def main() -> int:
    """Starts the hub, runs the examples as its user, and returns the highest exit status."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--output-dir", default="demo-results", help="(%(default)s)")
    output_dir = parser.parse_args().output_dir
    with tempfile.TemporaryDirectory() as folder, LocalHub(users=(YOU, COLLEAGUE)) as local_hub:
        home = Path(folder)
        save_config(local_hub.config(YOU), "you", home=home)
        save_config(local_hub.config(COLLEAGUE), "colleague", home=home)
        common = ["--model", str(bundled_model()), "--output-dir", output_dir, "--profile", "you"]
        examples = {
            "quickstart.py": ["--colleague-profile", "colleague", "--share-with", COLLEAGUE]
        }
        if find_spec("onnxruntime_qnn"):
            examples["snapdragon.py"] = []
        print(f"A local hub runs at {local_hub.url}: its jobs run on the CPU of this machine,")
        print("and its times are those of this machine, not of a device.", flush=True)
        environment = {**os.environ, "HOME": folder, "USERPROFILE": folder}
        status = 0
        for name, more in examples.items():
            command = [sys.executable, str(Path(__file__).with_name(name)), *common, *more]
            status = max(
                status, abs(subprocess.run(command, env=environment, check=False).returncode)
            )
    if "snapdragon.py" not in examples:
        print("\nA simulated Snapdragon comes with pip install 'qai-hub-openapi[qnn]'.")
    print("\nThat hub has stopped, so its pages are gone; `qai-hub serve` starts one that stays.")
    return status


if __name__ == "__main__":
    sys.exit(main())
