"""What `import qai_hub` costs: no network library, no arrays, until they are used."""

import importlib
import json
import subprocess
import sys

import pytest
from support.job_hub import JobHub
from support.routed_hub import RoutedHub
from support.scripted_server import json_reply

qai_hub = importlib.import_module("qai_hub")
HEAVY = {
    "attr",
    "botocore",
    "google",
    "h5py",
    "httpx",
    "numpy",
    "onnx",
    "onnxruntime",
    "pandas",
    "qai_hub_api",
    "rich",
}


def modules_after(code: str) -> set[str]:
    """Runs code in a new interpreter, and tells which top-level packages are loaded then."""
    report = (
        "import json, sys; print(json.dumps(sorted({m.partition('.')[0] for m in sys.modules})))"
    )
    done = subprocess.run(
        [sys.executable, "-c", f"{code}\n{report}"], capture_output=True, text=True, check=True
    )
    return set(json.loads(done.stdout))


def test_import_loads_nothing_heavy() -> None:
    assert modules_after("import qai_hub") & HEAVY == set()


def test_import_loads_no_module_of_the_client() -> None:
    code = "import sys, qai_hub; print(*(m for m in sys.modules if m.startswith('qai_hub.')))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.split() == ["qai_hub.forking"]


def test_listing_names_loads_nothing_heavy() -> None:
    assert modules_after("import qai_hub; dir(qai_hub)") & HEAVY == set()


def test_the_client_loads_no_arrays_until_it_moves_data() -> None:
    loaded = modules_after("import qai_hub; qai_hub.Client")
    assert "qai_hub" in loaded
    assert loaded & {"google", "h5py", "numpy", "onnxruntime", "rich"} == set()


def test_rich_is_imported_for_a_terminal_only() -> None:
    code = """
import pty, os, sys, qai_hub
client = qai_hub.Client(qai_hub.ClientConfig("token", {url!r}, {url!r}, verbose=True))
if {terminal}:
    sys.stderr = os.fdopen(pty.openpty()[1], "w")
assert client.get_job("ja").wait().success
"""
    with JobHub() as hub:
        url = hub.server.url
        assert "rich" not in modules_after(code.format(url=url, terminal=False))
        assert "rich" in modules_after(code.format(url=url, terminal=True))


def test_a_server_that_speaks_json_needs_no_protobuf() -> None:
    with RoutedHub(
        {"GET /api/v1/devices/": json_reply({"devices": [], "total_query_count": 0})}
    ) as hub:
        config = f"qai_hub.ClientConfig('t', {hub.url!r}, {hub.url!r})"
        loaded = modules_after(f"import qai_hub; qai_hub.Client({config}).get_devices()")
    assert "httpx" in loaded
    assert "google" not in loaded


def test_fetching_a_job_loads_nothing_that_other_calls_need() -> None:
    with JobHub() as server:
        url = server.server.url
        code = (
            "import json, sys, qai_hub as hub\n"
            f"hub.Client(hub.ClientConfig('token', {url!r}, {url!r})).get_job('ja')\n"
            "print(json.dumps([*sys.modules]))"
        )
        done = subprocess.run(
            [sys.executable, "-c", code], capture_output=True, text=True, check=True
        )
    loaded = json.loads(done.stdout)
    assert "qai_hub.connection" in loaded
    unneeded = (
        *("asyncio", "difflib", "google", "uuid", "xml", "zipfile"),
        *("qai_hub.progress", "qai_hub.sources", "qai_hub.waiting", "qai_hub.wire"),
        *("qai_hub.resources.profile", "qai_hub.transfer.files", "qai_hub.transport.errors"),
    )
    assert [name for name in loaded if name.startswith(unneeded)] == []


def test_dir_lists_every_public_name() -> None:
    assert {"Client", "Job", "get_job", "submit_compile_job", "__version__"} <= set(dir(qai_hub))
    assert set(qai_hub.__all__) <= set(dir(qai_hub))


def test_every_public_name_is_there() -> None:
    assert [name for name in qai_hub.__all__ if getattr(qai_hub, name) is None] == []


def test_an_unknown_name_is_an_attribute_error() -> None:
    with pytest.raises(AttributeError, match="no_such_name"):
        qai_hub.no_such_name  # noqa: B018
