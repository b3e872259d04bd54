"""The built wheel, installed into an empty environment and used far from the repository."""

import json
import os
import subprocess
import sys
import tarfile
import zipfile
from collections.abc import Iterator
from dataclasses import dataclass
from email import message_from_bytes
from pathlib import Path

import pytest
from support.scripted_server import Reply, Request, ScriptedServer

ROOT = Path(__file__).parents[2]
DEVICE = {"name": "Test Phone", "os": "14", "attributes": [], "soc_description": ""}


def run(*command: str | Path, cwd: Path, **environment: str) -> subprocess.CompletedProcess[str]:
    """Runs a command in an environment that neither this repository nor its user has touched."""
    inherited = {
        name: value
        for name, value in os.environ.items()
        if not name.startswith(("PYTHON", "QAI_HUB", "QAIHUB", "VIRTUAL_ENV"))
    }
    return subprocess.run(
        [str(part) for part in command],
        cwd=cwd,
        env={**inherited, "HOME": str(cwd), "NO_PROXY": "127.0.0.1", **environment},
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=100,
        check=False,
    )


def succeed(*command: str | Path, cwd: Path, **environment: str) -> str:
    done = run(*command, cwd=cwd, **environment)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


@pytest.fixture(scope="session")
def distributions(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    """The sdist, built from the repository, and the wheel, built from that sdist."""
    folder = tmp_path_factory.mktemp("dist")
    succeed(sys.executable, "-m", "build", "--no-isolation", "--outdir", folder, cwd=ROOT)
    (sdist,) = folder.glob("*.tar.gz")
    (wheel,) = folder.glob("*.whl")
    return sdist, wheel


@dataclass(frozen=True)
class Installed:
    """An environment with nothing but the wheel and what it requires."""

    folder: Path
    elsewhere: Path

    def python(self, code: str, **environment: str) -> str:
        python = self.folder / "bin" / "python"
        return succeed(python, "-W", "error", "-c", code, cwd=self.elsewhere, **environment)

    def command(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        return run(self.folder / "bin" / "qai-hub", *arguments, cwd=self.elsewhere)


@pytest.fixture(scope="session")
def installed(
    distributions: tuple[Path, Path], tmp_path_factory: pytest.TempPathFactory
) -> Installed:
    folder = tmp_path_factory.mktemp("installed")
    succeed(sys.executable, "-m", "venv", "--without-pip", folder, cwd=folder)
    python = folder / "bin" / "python"
    # What is not imported need not be compiled.
    options = ["--quiet", "--no-compile"]
    pip = [sys.executable, "-m", "pip", "--python", str(python), "install", *options]
    pinned = ["-c", str(ROOT / "constraints.txt"), str(distributions[1])]
    succeed(*pip, *pinned, cwd=folder, HOME=os.environ["HOME"])
    return Installed(folder, tmp_path_factory.mktemp("elsewhere"))


@pytest.fixture
def server() -> Iterator[str]:
    """A server that knows one device, and one user, whose token is `secret`."""
    devices = json.dumps({"devices": [DEVICE], "total_query_count": 1}).encode()

    def answer(request: Request) -> Reply:
        asked = (request.route, request.headers["authorization"])
        known = asked == ("GET /api/v1/devices/", "token secret")
        return Reply(200 if known else 401, devices, {"Content-Type": "application/json"})

    with ScriptedServer(answer) as scripted:
        yield scripted.url


def test_wheel_holds_both_packages_and_their_data(distributions: tuple[Path, Path]) -> None:
    names = set(zipfile.ZipFile(distributions[1]).namelist())
    assert {
        "qai_hub/__init__.py",
        "qai_hub/py.typed",
        "qai_hub/local/__init__.py",
        "qai_hub/local/data/devices.json",
        "qai_hub_api/__init__.py",
        "qai_hub_api/py.typed",
        "qai_hub_api/openapi.json",
    } <= names
    tops = {name.partition("/")[0] for name in names}
    assert {top for top in tops if not top.endswith(".dist-info")} == {"qai_hub", "qai_hub_api"}
    assert any(name.endswith("/licenses/LICENSE") for name in names)


def test_metadata_names_the_packages(distributions: tuple[Path, Path]) -> None:
    """By which tools can tell which distributions have the same package."""
    archive = zipfile.ZipFile(distributions[1])
    (name,) = (name for name in archive.namelist() if name.endswith(".dist-info/METADATA"))
    metadata = message_from_bytes(archive.read(name))
    assert metadata.get_all("Import-Name") == ["qai_hub", "qai_hub_api"]


def test_wheel_holds_all_that_the_repository_does(distributions: tuple[Path, Path]) -> None:
    names = set(zipfile.ZipFile(distributions[1]).namelist())
    for base, package in ((ROOT, "qai_hub"), (ROOT / "generated", "qai_hub_api")):
        for file in (base / package).rglob("*"):
            if file.is_file() and "__pycache__" not in file.parts:
                assert file.relative_to(base).as_posix() in names


def test_sdist_holds_the_sources_and_nothing_local(distributions: tuple[Path, Path]) -> None:
    with tarfile.open(distributions[0]) as archive:
        names = {name.partition("/")[2] for name in archive.getnames()}
    assert {"openapi.yaml", "codegen/generate.py", "LICENSE", "pyproject.toml"} <= names
    assert "generated/qai_hub_api/openapi.json" in names
    assert not [name for name in names if name.startswith((".venv", ".git/")) or ".pyc" in name]


def test_import_comes_from_the_wheel_without_the_extras(installed: Installed) -> None:
    where = installed.python("import qai_hub; print(qai_hub.__file__)")
    assert Path(where.strip()).is_relative_to(installed.folder)
    installed.python(
        "import importlib.util as u\n"
        "assert not [m for m in ('starlette', 'sqlalchemy', 'onnxruntime') if u.find_spec(m)]"
    )


def test_every_public_name_loads_without_the_extras(installed: Installed) -> None:
    installed.python("import qai_hub as hub; [getattr(hub, name) for name in hub.__all__]")


def test_client_talks_to_a_server(installed: Installed, server: str) -> None:
    code = "import qai_hub as hub; print([d.name for d in hub.Client().get_devices()])"
    environment = {"QAI_HUB_API_URL": server, "QAI_HUB_API_TOKEN": "secret"}
    assert installed.python(code, **environment).strip() == "['Test Phone']"


def test_command_tells_its_version(installed: Installed) -> None:
    version = installed.python("import qai_hub; print(qai_hub.__version__)").strip()
    done = installed.command("--version")
    assert done.returncode == 0
    assert version in done.stdout.split()


def test_serve_names_the_missing_extra(installed: Installed) -> None:
    done = installed.command("serve", "--port", "0")
    assert done.returncode != 0
    assert "qai-hub-openapi[local]" in done.stderr
    assert "Traceback" not in done.stderr


def test_pyright_finds_all_types_in_the_wheel(installed: Installed) -> None:
    checker = Path(sys.executable).with_name("basedpyright")
    scripts = installed.elsewhere / "scripts"
    scripts.mkdir()
    (scripts / "pyrightconfig.json").write_text('{"typeCheckingMode": "basic"}')
    code = (ROOT / "tests" / "typing" / "user_code.py").read_text("utf-8")
    (scripts / "user_code.py").write_text(code, "utf-8")
    python: list[str | Path] = ["--pythonpath", installed.folder / "bin" / "python"]
    assert succeed(checker, *python, cwd=scripts).startswith("0 errors, 0 warnings")
    (scripts / "user_code.py").write_text(
        "import qai_hub as hub\nhub.get_jobs(3)\nhub.get_job(3)\n"
    )
    said = run(checker, *python, cwd=scripts).stdout
    assert '"get_jobs" is not a known attribute' in said
    assert '"Literal[3]" is not assignable to "str"' in said
