"""What is said where an extra is not installed."""

import subprocess
import sys
from pathlib import Path


def test_the_local_hub_names_its_extra() -> None:
    code = "import sys; sys.modules['sqlalchemy'] = None; from qai_hub.local import LocalHub"
    ran = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    last = ran.stderr.splitlines()[-1]
    assert last == (
        "ModuleNotFoundError: The local hub needs sqlalchemy: pip install 'qai-hub-openapi[local]'"
    )


def test_traces_name_their_extra() -> None:
    code = (
        "import sys; sys.modules['opentelemetry.sdk'] = None\n"
        "from qai_hub.local import LocalHub\n"
        "from qai_hub.local.config import HubConfig\n"
        "LocalHub.from_config(HubConfig(traces=True)).start()"
    )
    ran = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    last = ran.stderr.splitlines()[-1]
    assert last == (
        "ValueError: traces need OpenTelemetry: run `pip install 'qai-hub-openapi[otel]'`"
    )


def test_a_dask_cluster_names_its_extra(tmp_path: Path) -> None:
    code = (
        "import pathlib, sys; sys.modules['distributed'] = None\n"
        "from qai_hub.local import LocalHub\n"
        "from qai_hub.local.config import HubConfig\n"
        "data, address = pathlib.Path(sys.argv[1]), 'dask:tcp://127.0.0.1:1'\n"
        "LocalHub.from_config(HubConfig(data_dir=data, executor=address)).start()"
    )
    command = [sys.executable, "-c", code, str(tmp_path)]
    ran = subprocess.run(command, capture_output=True, text=True, check=False)
    last = ran.stderr.splitlines()[-1]
    assert last == (
        "ValueError: a Dask cluster needs Dask: run `pip install 'qai-hub-openapi[dask]'`"
    )
