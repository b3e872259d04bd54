"""The frameworks that a hub lists: what is installed, told without importing it."""

import subprocess
import sys
from importlib import metadata
from pathlib import Path

import pytest

from qai_hub.local.frameworks import installed_frameworks, qairt_version


def qnn_package(folder: Path, facts: str | None) -> Path:
    """Make a package that says of itself that it is onnxruntime-qnn, with these facts in it."""
    package = folder / "onnxruntime_qnn"
    package.mkdir()
    (package / "__init__.py").write_text("raise ImportError('nobody is to import it')\n")
    if facts is not None:
        (package / "build_and_package_info.py").write_text(facts)
    info = folder / "onnxruntime_qnn-9.9.0.dist-info"
    info.mkdir()
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: onnxruntime-qnn\nVersion: 9.9\n")
    return folder


def test_they_are_told_without_importing_them() -> None:
    listed = {framework["name"]: framework for framework in installed_frameworks()}
    assert {"onnx", "onnxruntime"} <= set(listed) <= {"onnx", "onnxruntime", "QAIRT"}
    runtime = listed["onnxruntime"]
    assert runtime["full_version"].startswith(runtime["api_version"])
    code = (
        "import sys; from qai_hub.local import frameworks; frameworks.installed_frameworks(); "
        "sys.exit(any(n in sys.modules for n in ('onnx', 'onnxruntime', 'onnxruntime_qnn')))"
    )
    subprocess.run([sys.executable, "-c", code], check=True)


def test_qairt_has_the_version_of_its_sdk(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    facts = "package_name = 'onnxruntime-qnn'\n__version__ = '9.9.0'\nqnn_version = '3.14.15'\n"
    monkeypatch.syspath_prepend(qnn_package(tmp_path, facts))
    (qairt,) = (framework for framework in installed_frameworks() if framework["name"] == "QAIRT")
    assert qairt == {
        "name": "QAIRT",
        "api_version": "3.14",
        "api_tags": ["default", "latest"],
        "full_version": "3.14.15",
    }


@pytest.mark.parametrize("facts", [None, "", "__version__ = '1'\n", "qnn_version = ''\n"])
def test_qairt_is_not_listed_where_nobody_tells_its_version(
    facts: str | None, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.syspath_prepend(qnn_package(tmp_path, facts))
    assert qairt_version() is None
    assert "QAIRT" not in {framework["name"] for framework in installed_frameworks()}


def test_qairt_is_not_listed_without_its_package(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "path", [])
    assert qairt_version() is None
    assert installed_frameworks() == []


def test_qairt_is_what_the_package_of_this_machine_says() -> None:
    qnn = pytest.importorskip("onnxruntime_qnn", reason="needs the extra qnn")
    assert metadata.version("onnxruntime-qnn") == qnn.__version__
    assert qairt_version() == qnn.build_and_package_info.qnn_version
