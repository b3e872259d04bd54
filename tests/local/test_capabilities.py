"""What a hub says that this machine can do."""

import os
import platform
import subprocess
import sys
import tomllib
from importlib.util import find_spec
from pathlib import Path

import pytest

from qai_hub.local import frameworks as capabilities
from qai_hub.local.frameworks import CAPABILITIES, format_capabilities

ROOT = Path(__file__).parents[2]


def here(monkeypatch: pytest.MonkeyPatch, *modules: str, machine: str = "x86_64") -> list[str]:
    """Tell what a machine with these modules can do."""
    monkeypatch.setattr(capabilities, "find_spec", lambda name: name if name in modules else None)
    monkeypatch.setattr(platform, "system", lambda: "Linux")
    monkeypatch.setattr(platform, "machine", lambda: machine)
    return list(format_capabilities())


def test_what_is_missing_names_its_extra(monkeypatch: pytest.MonkeyPatch) -> None:
    assert here(monkeypatch, "onnx", "onnxruntime", "torch") == [
        "onnx: compile, quantize, run on the CPU",
        (
            "qnn_context_binary, qnn_dlc, precompiled_qnn_onnx: "
            "needs pip install 'qai-hub-openapi[qnn]'"
        ),
        "tflite: needs pip install 'qai-hub-openapi[tflite]'",
        "tflite as a target: needs qai-hub engine install tflite",
        "TorchScript, exported programs: needs pip install 'qai-hub-openapi[torch]'",
    ]


def test_what_is_there_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    modules = [module for ability in CAPABILITIES for module in ability.modules]
    (lacking,) = (line for line in here(monkeypatch, *modules) if "needs" in line)
    assert "engine" in lacking


def test_what_no_extra_can_mend_is_not_told_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    line = here(monkeypatch, machine="aarch64")[1]
    assert line.endswith(": only on Linux on x86_64")


def test_a_missing_library_of_the_system_is_told(tmp_path: Path) -> None:
    (tmp_path / "libatomic.so.1").touch()
    code = "from qai_hub.local.frameworks import format_capabilities as f; print(*f(), sep='\\n')"
    done = subprocess.run(
        [sys.executable, "-c", code],
        env=os.environ | {"LD_LIBRARY_PATH": str(tmp_path)},
        capture_output=True,
        text=True,
        check=True,
    )
    assert "needs the system's libatomic.so.1 (Debian, Ubuntu: apt install libatomic1)" in (
        done.stdout
    )


def test_the_extras_are_those_of_the_package() -> None:
    extras = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"][
        "optional-dependencies"
    ]
    for ability in CAPABILITIES:
        if ability.engine is not None:
            continue
        brought = {line.split(">")[0].replace("-", "_") for line in extras[ability.extra]}
        assert set(ability.modules) <= brought, ability


def test_nothing_is_imported_to_tell() -> None:
    modules = {module for ability in CAPABILITIES for module in ability.modules}
    assert all(find_spec(name) for name in ("onnx", "onnxruntime"))
    code = (
        "import sys; from qai_hub.local.frameworks import format_capabilities; "
        f"list(format_capabilities()); print(sorted({modules!r} & sys.modules.keys()))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
