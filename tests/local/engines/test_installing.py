"""Engines that are installed, brought up to date and removed."""

import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest
from support.tiny_engines import THIS_PYTHON, TinyEngines

from qai_hub.local.engines import install as installing
from qai_hub.local.engines import pythons
from qai_hub.local.engines.catalog import Engine
from qai_hub.local.engines.install import EngineError, install, remove
from qai_hub.local.engines.locking import in_use
from qai_hub.local.engines.places import State, describe_lack, examine, get_state

PACKAGE = {"tiny_module": "VALUE = 1"}
# Where it is imported to try it, it says so, and waits until it may go on.
WAITING = {
    "tiny_module": (
        "import os, pathlib, time\n"
        "flag = pathlib.Path(os.environ['TINY_FLAGS'])\n"
        "(flag / 'here').touch()\n"
        "while not (flag / 'go').exists():\n"
        "    time.sleep(0.01)\n"
    )
}


def ignore(_: str) -> None:
    pass


def imported(engine: Engine) -> str:
    """Where the Python of an engine finds its module."""
    found = examine(engine)[1]
    assert found is not None
    environment = {"PYTHONPATH": str(found.overlay)} if engine.is_overlay else {}
    code = "import tiny_module; print(tiny_module.__file__)"
    command = [str(found.get_interpreter(engine)), "-P", "-c", code]
    return subprocess.run(
        command, env=os.environ | environment, capture_output=True, text=True, check=True
    ).stdout.strip()


@pytest.mark.parametrize("python", [(), (THIS_PYTHON,)], ids=["overlay", "environment"])
def test_what_is_installed_can_be_imported(engines: TinyEngines, python: tuple[str, ...]) -> None:
    engine = engines.make(PACKAGE, pythons=python)
    assert get_state(engine) is State.MISSING
    assert describe_lack(engine) == "needs qai-hub engine install tiny"
    told = list[str]()

    made = install(engine, told.append)

    assert examine(engine) == (State.INSTALLED, made)
    assert describe_lack(engine) == ""
    assert dict(made.packages) == {"tiny-package": "1.0"}
    assert made.python.startswith(THIS_PYTHON)
    assert made.size > 0
    assert Path(imported(engine)).is_relative_to(made.folder)
    # The sandbox of workers keeps them from writing it.
    assert list(made.folder.rglob("tiny_module.*.pyc"))
    assert any("Installing 1 packages" in line for line in told)


def test_what_is_there_is_not_installed_again(engines: TinyEngines) -> None:
    engine = engines.make(PACKAGE)
    made = install(engine, ignore)
    shutil.rmtree(engines.wheels)
    told = list[str]()

    assert install(engine, told.append) == made
    assert told == []


def test_another_list_is_another_release(engines: TinyEngines) -> None:
    old = install(engines.make(PACKAGE), ignore)
    engine = engines.make(PACKAGE, version="2.0")
    assert get_state(engine) is State.OUTDATED
    assert "again, as it is of another release" in describe_lack(engine)
    with in_use(engine) as usable:
        assert usable is None

    made = install(engine, ignore)

    assert get_state(engine) is State.INSTALLED
    assert dict(made.packages) == {"tiny-package": "2.0"}
    assert not old.folder.exists()


FAULTS = {
    "packages": "its packages cannot be found at ",
    "Python": "its Python cannot be found at ",
    # As is one in a folder of which others may not even see what is there.
    "place of Python": "its Python cannot be found at ",
    "closed Python": "cannot be used by this user",
    "mark": "cannot be read: ",
}


@pytest.mark.parametrize("what", FAULTS)
def test_what_is_broken_is_installed_again(engines: TinyEngines, what: str) -> None:
    engine = engines.make(PACKAGE, pythons=(THIS_PYTHON,))
    made = install(engine, ignore)
    if what == "packages":
        shutil.rmtree(made.environment / "lib")
    elif what == "Python":
        made.get_interpreter(engine).unlink()
    elif what == "place of Python":
        made.get_interpreter(engine).unlink()
        made.get_interpreter(engine).symlink_to("x" * 300)
    elif what == "closed Python":
        made.get_interpreter(engine).unlink()
        made.get_interpreter(engine).touch(0o600)
    else:
        (engines.folder / "tiny.json").write_text("{")

    assert get_state(engine) is State.BROKEN
    lack = describe_lack(engine)
    assert lack.startswith("needs qai-hub engine install tiny again, as ")
    assert FAULTS[what] in lack

    install(engine, ignore)

    assert get_state(engine) is State.INSTALLED
    assert len(engines.left()) == 2


@pytest.mark.parametrize("uv", [True, False], ids=["uv", "pip"])
def test_a_package_that_cannot_be_had_leaves_nothing(
    engines: TinyEngines, monkeypatch: pytest.MonkeyPatch, *, uv: bool
) -> None:
    if not uv:
        without_uv(monkeypatch)
    engine = engines.make(PACKAGE, has_wheel=False)

    with pytest.raises(EngineError, match="has failed, with exit status 1") as caught:
        install(engine, ignore)

    assert "tiny-package" in "".join(caught.value.__notes__)
    assert engines.left() == set()
    assert get_state(engine) is State.MISSING


def test_a_package_that_cannot_be_imported_leaves_nothing(engines: TinyEngines) -> None:
    engine = engines.make({"tiny_module": "raise ImportError('no libtiny.so here')"})

    with pytest.raises(EngineError) as caught:
        install(engine, ignore)

    assert caught.value.__notes__[-1] == "ImportError: no libtiny.so here"
    assert engines.left() == set()


def test_a_failed_upgrade_leaves_what_was_there(engines: TinyEngines) -> None:
    engine = engines.make(PACKAGE)
    made = install(engine, ignore)

    with pytest.raises(EngineError):
        install(engines.make(PACKAGE, version="2.0", has_wheel=False), ignore)

    assert examine(engine) == (State.INSTALLED, made)
    assert len(engines.left()) == 2


def without_uv(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(installing, "find_uv", lambda: None)
    monkeypatch.setattr(pythons, "find_uv", lambda: None)


@pytest.mark.parametrize("python", [(), (THIS_PYTHON,)], ids=["overlay", "environment"])
def test_pip_does_where_there_is_no_uv(
    engines: TinyEngines, monkeypatch: pytest.MonkeyPatch, python: tuple[str, ...]
) -> None:
    without_uv(monkeypatch)
    engine = engines.make(PACKAGE, pythons=python)

    made = install(engine, ignore)

    assert Path(imported(engine)).is_relative_to(made.folder)
    assert list(made.folder.rglob("tiny_module.*.pyc"))


def test_without_a_python_it_says_which(
    engines: TinyEngines, monkeypatch: pytest.MonkeyPatch
) -> None:
    without_uv(monkeypatch)
    engine = engines.make(PACKAGE, pythons=("3.99", "3.98"))

    with pytest.raises(
        EngineError, match=r"needs Python 3\.99 or 3\.98, and there is none: install"
    ):
        install(engine, ignore)

    assert engines.left() == set()


def test_a_python_of_pyenv_is_found(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Its command on PATH fails where nothing says which version to run."""
    shim = tmp_path / "shims" / "python3.99"
    real = tmp_path / "versions" / "3.99.1" / "bin" / "python3.99"
    for path, code in ((shim, "exit 127"), (real, "echo 3.99")):
        path.parent.mkdir(parents=True)
        path.write_text(f"#!/bin/sh\n{code}\n")
        path.chmod(0o755)
    monkeypatch.setenv("PATH", str(shim.parent), prepend=os.pathsep)
    monkeypatch.setenv("PYENV_ROOT", str(tmp_path))
    without_uv(monkeypatch)

    assert pythons.find_python(["3.98", "3.99"]) == real


def test_another_machine_is_told(engines: TinyEngines, monkeypatch: pytest.MonkeyPatch) -> None:
    engine = engines.make(PACKAGE)
    monkeypatch.setattr("platform.machine", lambda: "riscv64")

    assert get_state(engine) is State.UNSUPPORTED
    with pytest.raises(EngineError, match=r"and this is \w+ on riscv64"):
        install(engine, ignore)


def test_a_removed_engine_is_gone(engines: TinyEngines) -> None:
    engine = engines.make(PACKAGE)
    assert not remove(engine).was_there
    install(engine, ignore)

    removed = remove(engine)

    assert (removed.was_there, removed.is_in_use) == (True, False)
    assert engines.left() == set()
    assert not remove(engine).was_there


def test_files_in_use_stay_until_they_are_not(engines: TinyEngines) -> None:
    engine = engines.make(PACKAGE)
    made = install(engine, ignore)
    with in_use(engine) as used:
        assert used == made

        removed = remove(engine)

        assert (removed.was_there, removed.is_in_use) == (True, True)
        assert (made.overlay / "tiny_module.py").exists()
        with in_use(engine) as later:
            assert later is None
        again = install(engine, ignore)
        assert made.folder.exists()

    remove(engine)
    assert not made.folder.exists()
    assert not again.folder.exists()


def start_install(engines: TinyEngines, flags: Path) -> subprocess.Popen[str]:
    """Install the engine `tiny`, in a process of its own."""
    code = (
        "import sys; from pathlib import Path\n"
        "from support.tiny_engines import TinyEngines\n"
        "from qai_hub.local.engines.install import install\n"
        f"engine = TinyEngines(Path({str(engines.folder)!r}), Path({str(engines.wheels)!r}))"
        f".make({WAITING!r}, has_wheel=False)\n"
        "install(engine, lambda text: print(text, flush=True))\n"
    )
    return subprocess.Popen(
        [sys.executable, "-c", code],
        env=os.environ | {"TINY_FLAGS": str(flags), "PYTHONPATH": os.pathsep.join(sys.path)},
        stdout=subprocess.PIPE,
        text=True,
        start_new_session=True,
    )


def wait_for(is_so: Callable[[], bool]) -> None:
    deadline = time.monotonic() + 60
    while not is_so():
        assert time.monotonic() < deadline
        time.sleep(0.01)


def test_a_killed_installation_counts_for_nothing(engines: TinyEngines, tmp_path: Path) -> None:
    engine = engines.make(WAITING)
    with start_install(engines, tmp_path) as process:
        wait_for((tmp_path / "here").exists)
        os.killpg(process.pid, signal.SIGKILL)

    assert get_state(engine) is State.MISSING
    (half,) = engines.left()

    (tmp_path / "go").touch()
    with start_install(engines, tmp_path) as process:
        assert process.stdout is not None
        process.stdout.read()

    assert process.returncode == 0
    assert get_state(engine) is State.INSTALLED
    assert half not in engines.left()


def test_two_installations_at_once_make_one(engines: TinyEngines, tmp_path: Path) -> None:
    engine = engines.make(WAITING)
    with start_install(engines, tmp_path) as first:
        wait_for((tmp_path / "here").exists)
        with start_install(engines, tmp_path) as second:
            assert second.stdout is not None
            assert "waiting" in second.stdout.readline()
            (tmp_path / "go").touch()
            assert second.stdout.read() == ""
        assert first.stdout is not None
        assert "Importing" in first.stdout.read()

    assert (first.returncode, second.returncode) == (0, 0)
    assert get_state(engine) is State.INSTALLED
    assert len(engines.left()) == 2


def test_what_is_interrupted_leaves_nothing(
    engines: TinyEngines, monkeypatch: pytest.MonkeyPatch
) -> None:
    def interrupt(text: str) -> None:
        if text.startswith("Importing"):
            raise KeyboardInterrupt

    engine = engines.make(PACKAGE)
    with pytest.raises(KeyboardInterrupt):
        install(engine, interrupt)

    assert engines.left() == set()
