"""Times Qualcomm's compiler alone on the small model: no hub, no checks, imports not counted.

    python compile_alone.py COUNT

Prints the median seconds; each compilation has a process of its own, forked after the imports, as
a hub's worker has.
"""

import os
import statistics
import sys
import tempfile
import time
from pathlib import Path

import onnx

from performance.setup import small_model
from qai_hub.local.devices import DeviceCatalogue, DeviceQuery
from qai_hub.local.engine.qnn.contexts import compile_context
from qai_hub.local.engine.qnn.provider import htp_options


def compile_once(folder: Path) -> None:
    """Compiles the model."""
    source = folder / "target" / "model.onnx"
    source.parent.mkdir()
    onnx.save(small_model(), source)
    soc = DeviceCatalogue.load().resolve(DeviceQuery(name="Samsung Galaxy S24")).soc
    assert soc is not None
    compile_context(source, folder / "binary", htp_options(soc), explain=False)


def main(count: int) -> None:
    """Measures, and prints the median."""
    times = []
    for _ in range(count):
        with tempfile.TemporaryDirectory() as folder:
            began = time.perf_counter()
            process = os.fork()
            if process == 0:
                try:
                    compile_once(Path(folder))
                finally:
                    os._exit(0)
            assert os.waitpid(process, 0)[1] == 0
            times.append(time.perf_counter() - began)
    print(statistics.median(times))


if __name__ == "__main__":
    main(int(sys.argv[1]))
