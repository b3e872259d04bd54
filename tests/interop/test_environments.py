"""Both clients in one environment, in any order: it works, or the first import tells the repair.

A tiny package stands for `qai_hub_models`, which requires the official distribution as it does, and
brings PyTorch.
"""

import re
import shlex
from collections.abc import Callable
from pathlib import Path

import pytest
from interop.environment import UV, Environment, build_own_wheel, make_wheel

from qai_hub._version import OFFICIAL_RELEASE

OFFICIAL = f"qai-hub=={OFFICIAL_RELEASE}"
SHIM = f"{OFFICIAL_RELEASE}+openapi"
IMPORT = "import qai_hub as hub; hub.Client; print(hub.__version__)"

pytestmark = pytest.mark.skipif(not UV.exists(), reason="uv is not to be had here")

Make = Callable[..., Environment]


@pytest.fixture(scope="session")
def own(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The wheel of this repository."""
    return build_own_wheel(tmp_path_factory.mktemp("own"))


@pytest.fixture(scope="session")
def models(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with two releases of a package that requires the official distribution."""
    folder = tmp_path_factory.mktemp("models")
    for version in ("1.0", "1.1"):
        files = {"models.py": "from qai_hub import Client, Device\n"}
        make_wheel(folder, "models", version, f"qai_hub>={OFFICIAL_RELEASE}", files)
    make_wheel(folder, "exact-models", "1.0", f"qai-hub=={OFFICIAL_RELEASE}")
    return folder


@pytest.fixture(scope="session")
def newer(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with a newer release of the official client, and a package that requires it."""
    folder = tmp_path_factory.mktemp("newer")
    files = {
        "qai_hub/__init__.py": "from .client import *\n",
        "qai_hub/_cli.py": "",
        "qai_hub/client.py": "",
    }
    make_wheel(folder, "qai-hub", "99.0", files=files)
    make_wheel(folder, "newest-models", "1.0", "qai_hub>=99")
    return folder


@pytest.fixture
def make(tmp_path: Path) -> Make:
    """Makes an environment, and installs packages into it, one after another."""

    def made(*packages: str | Path, installer: str = "uv") -> Environment:
        environment = Environment.create(tmp_path / "environment", installer)
        for package in packages:
            environment.install(package)
        return environment

    return made


def assert_works(environment: Environment) -> None:
    done = environment.python("-W", "error", "-c", IMPORT)
    assert done.stdout.startswith(f"{OFFICIAL_RELEASE}."), done.stderr
    assert environment.command("--version").stdout.startswith("qai-hub ")


def follow_repair(environment: Environment, text: str) -> None:
    """Runs the commands that a text names before it speaks of other matters."""
    uninstall, install = (shlex.split(each) for each in re.findall(r"`([^`]+)`", text)[:2])
    manager = ["uv", "pip"] if environment.installer == "uv" else ["pip"]
    assert uninstall[:-2] == [*manager, "uninstall"]
    environment.uninstall(*uninstall[-2:])
    assert install[:-1] == [*manager, "install"]
    environment.install(install[-1])
    assert_works(environment)


@pytest.mark.parametrize("installer", ["uv", "pip"])
def test_the_shim_keeps_the_official_client_out(
    make: Make, own: Path, models: Path, installer: str
) -> None:
    environment = make(own, installer=installer)
    assert environment.command("shim", "install").returncode == 0
    index = ("--no-index", "--find-links", models)
    environment.install(*index, "models==1.0", "exact-models")
    assert environment.versions()["qai-hub"] == SHIM
    assert environment.python("-W", "error", "-c", "import models").returncode == 0
    environment.install(*index, "--upgrade", "models")
    assert environment.versions()["qai-hub"] == SHIM
    assert environment.versions()["models"] == "1.1"
    environment.uv("check")
    environment.uninstall("qai-hub")
    assert "qai-hub" not in environment.versions()
    assert_works(environment)


def test_a_shim_stays_in_an_eager_upgrade(make: Make, own: Path, models: Path) -> None:
    """The official release of the same number is no upgrade."""
    environment = make(own, installer="pip")
    environment.command("shim", "install")
    environment.install(
        *("--upgrade", "--upgrade-strategy", "eager", "--no-deps", "--find-links", models),
        *("models", "qai-hub"),
    )
    assert environment.versions()["qai-hub"] == SHIM
    assert_works(environment)


@pytest.mark.parametrize("installer", ["uv", "pip"])
def test_a_newer_official_release_is_told_or_kept_out(
    make: Make, own: Path, models: Path, newer: Path, installer: str, tmp_path: Path
) -> None:
    environment = make(own, installer=installer)
    wheel = environment.command("shim", "wheel", "--output", str(tmp_path)).stdout.strip()
    constraints = tmp_path / "keep.txt"
    constraints.write_text(f"qai-hub @ {Path(wheel).as_uri()}\n")
    index = ("--no-index", "--find-links", models, "--find-links", newer)
    environment.install(*index, "-c", constraints, "--upgrade", "models")
    assert environment.versions()["qai-hub"] == SHIM
    with pytest.raises(AssertionError, match=r"(?i)conflict|unsatisfiable"):
        environment.install(*index, "-c", constraints, "newest-models")
    assert_works(environment)
    environment.install(*index, "newest-models")
    assert environment.versions()["qai-hub"] == "99.0"
    done = environment.python("-c", IMPORT)
    assert "ImportError: The official client, qai-hub, has overwritten files" in done.stderr
    follow_repair(environment, done.stderr)


def test_overrides_and_excludes_of_uv_keep_the_official_client_out(
    make: Make, own: Path, models: Path, newer: Path, tmp_path: Path
) -> None:
    environment = make(own)
    index = ("--no-index", "--find-links", models, "--find-links", newer)
    overrides, excludes = tmp_path / "overrides.txt", tmp_path / "excludes.txt"
    overrides.write_text("qai-hub ; sys_platform == 'never'\n")
    excludes.write_text("qai-hub\n")
    environment.install(*index, "--overrides", overrides, "models==1.0")
    environment.install(*index, "--excludes", excludes, "--upgrade", "models", "newest-models")
    assert "qai-hub" not in environment.versions()
    assert environment.python("-W", "error", "-c", "import models").returncode == 0
    assert_works(environment)


def test_the_official_client_first_is_told_at_the_first_import(make: Make, own: Path) -> None:
    environment = make(OFFICIAL, own)
    done = environment.python("-c", IMPORT)
    assert done.stdout.startswith(OFFICIAL_RELEASE)
    assert (
        "<string>:1: UserWarning: Files of the official client, qai-hub, are among" in done.stderr
    )
    refused = environment.command("shim", "install")
    assert refused.returncode == 1
    assert f"qai-hub: The official client, qai-hub {OFFICIAL_RELEASE}, is in" in refused.stderr
    found = environment.command("doctor").stdout
    assert "PROBLEM  qai_hub: Files of the official client" in found
    assert f"PROBLEM  qai-hub: The official client is installed, {OFFICIAL_RELEASE}" in found
    follow_repair(environment, found.partition("PROBLEM  qai_hub:")[2])


@pytest.mark.parametrize("installer", ["uv", "pip"])
def test_the_official_client_last_is_told_at_the_first_import(
    make: Make, own: Path, models: Path, installer: str
) -> None:
    """As by a package that requires it."""
    environment = make(own, installer=installer)
    environment.install("--find-links", models, "models")
    for done in (
        environment.python("-c", IMPORT),
        environment.python("-c", "import models"),
        environment.python("-m", "qai_hub", "doctor"),
        environment.command("--version"),
    ):
        assert done.returncode == 1
        assert "The official client, qai-hub, has overwritten files of qai-hub-ope" in done.stderr
    follow_repair(environment, done.stderr)


@pytest.mark.parametrize("last", ["own", "official"])
def test_what_the_official_client_leaves_behind_is_told(make: Make, own: Path, last: str) -> None:
    environment = make(*((OFFICIAL, own) if last == "own" else (own, OFFICIAL)))
    environment.uninstall("qai-hub")
    told = "Files of qai-hub-openapi are missing from"
    command = environment.python("-m", "qai_hub", "doctor")
    assert command.returncode == 1
    assert command.stderr.startswith(f"qai-hub: {told}")
    done = environment.python("-c", "from qai_hub.client import Client")
    assert f"ImportError: {told}" in done.stderr
    follow_repair(environment, command.stderr)


@pytest.mark.parametrize("first", ["own", "official"])
def test_without_ours_the_official_client_has_to_be_installed_again(
    make: Make, own: Path, first: str
) -> None:
    """None of our code is left to tell."""
    environment = make(*((own, OFFICIAL) if first == "own" else (OFFICIAL, own)))
    environment.uninstall("qai-hub-openapi")
    assert "has no attribute 'Client'" in environment.python("-c", IMPORT).stderr
    environment.uninstall("qai-hub")
    environment.install(OFFICIAL)
    assert environment.python("-c", IMPORT).stdout.strip() == OFFICIAL_RELEASE


def test_a_shim_without_this_package_is_a_broken_requirement(make: Make, own: Path) -> None:
    environment = make(own)
    environment.command("shim", "install")
    environment.uninstall("qai-hub-openapi")
    with pytest.raises(AssertionError, match="requires `qai-hub-openapi`"):
        environment.uv("check")
