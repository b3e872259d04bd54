"""Environments of packages, which uv makes of wheels, and wheels that are made for a test."""

import os
import subprocess
import sys
import tomllib
import zipfile
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).parents[2]
OWN_PINS = ROOT / "constraints.txt"
OFFICIAL_PINS = Path(__file__).with_name("constraints.txt")
UV = Path(sys.executable).with_name("uv")


def run(
    *command: str | Path, cwd: Path, path: Path | None = None
) -> subprocess.CompletedProcess[str]:
    """Runs a program far from the repository, first of those in a folder."""
    inherited = {
        name: value
        for name, value in os.environ.items()
        if not name.startswith(("PYTHON", "QAI", "VIRTUAL_ENV", "UV_", "OFFICIAL"))
    }
    if path is not None:
        inherited["PATH"] = f"{path}:{inherited['PATH']}"
    return subprocess.run(
        [str(part) for part in command],
        cwd=cwd,
        env=inherited,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )


@dataclass(frozen=True)
class Environment:
    """An environment of packages."""

    folder: Path
    installer: str = "uv"

    @classmethod
    def create(cls, folder: Path, installer: str = "uv") -> "Environment":
        """Makes one with what either client requires, to which `uv` or `pip` installs."""
        done = run(UV, "venv", "--python", sys.executable, folder, cwd=folder.parent)
        assert done.returncode == 0, done.stderr
        environment = cls(folder, installer)
        # The official client's pins are those that it requires: ours are for what it does not have.
        official = _read_pins(OFFICIAL_PINS)
        pins = folder / "pins.txt"
        pins.write_text("\n".join((_read_pins(OWN_PINS) | official).values()))
        required = [*official.keys() - {"qai-hub", "onnx", "ml_dtypes"}, *_read_requirements()]
        environment.uv("install", "-c", pins, *required)
        return environment

    def install(self, *arguments: str | Path) -> str:
        """Installs packages."""
        if self.installer == "uv":
            return self.uv("install", *arguments)
        # What is not imported need not be compiled.
        return self._pip("install", "--no-compile", *arguments)

    def uninstall(self, *names: str) -> None:
        """Uninstalls packages."""
        if self.installer == "uv":
            self.uv("uninstall", *names)
        else:
            self._pip("uninstall", "--yes", *names)

    def uv(self, verb: str, *arguments: str | Path) -> str:
        """Calls uv, which is faster, where it does not matter which installer does it."""
        python = self.folder / "bin" / "python"
        done = run(UV, "pip", verb, "--python", python, *arguments, cwd=self.folder)
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout + done.stderr

    def _pip(self, verb: str, *arguments: str | Path) -> str:
        pip: list[str | Path] = [
            sys.executable,
            "-m",
            "pip",
            "--python",
            self.folder / "bin" / "python",
            verb,
        ]
        done = run(*pip, *arguments, cwd=self.folder)
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout + done.stderr

    def python(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        """Runs the interpreter."""
        return run(self.folder / "bin" / "python", *arguments, cwd=self.folder)

    def command(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        """Runs the command `qai-hub`, whichever it is."""
        return run(self.folder / "bin" / "qai-hub", *arguments, cwd=self.folder)

    def versions(self) -> dict[str, str]:
        """Returns the versions of the distributions, by name."""
        rows = [line.split() for line in self.uv("list").splitlines()]
        return {row[0]: row[1] for row in rows if len(row) > 1}


def _read_pins(file: Path) -> dict[str, str]:
    lines = file.read_text("utf-8").splitlines()
    return {line.partition("==")[0].lower(): line for line in lines if "==" in line}


def _read_requirements() -> list[str]:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]
    return list(project["dependencies"])


def build_own_wheel(folder: Path) -> Path:
    """Builds the wheel of this repository."""
    arguments = ["-m", "hatchling", "build", "--target", "wheel", "--directory", str(folder)]
    done = run(sys.executable, *arguments, cwd=ROOT)
    assert done.returncode == 0, done.stdout + done.stderr
    (wheel,) = folder.glob("*.whl")
    return wheel


def make_wheel(
    folder: Path, name: str, version: str, requires: str = "", files: dict[str, str] | None = None
) -> Path:
    """Makes a wheel of few files."""
    stem = f"{name.replace('-', '_')}-{version}"
    requirement = f"Requires-Dist: {requires}\n" if requires else ""
    contents = {
        **(files or {}),
        f"{stem}.dist-info/METADATA": (
            f"Metadata-Version: 2.1\nName: {name}\nVersion: {version}\n{requirement}"
        ),
        f"{stem}.dist-info/WHEEL": (
            "Wheel-Version: 1.0\nGenerator: test\nRoot-Is-Purelib: true\nTag: py3-none-any\n"
        ),
    }
    record = "".join(f"{each},,\n" for each in [*contents, f"{stem}.dist-info/RECORD"])
    folder.mkdir(parents=True, exist_ok=True)
    wheel = folder / f"{stem}-py3-none-any.whl"
    with zipfile.ZipFile(wheel, "w") as archive:
        for path, content in {**contents, f"{stem}.dist-info/RECORD": record}.items():
            archive.writestr(path, content)
    return wheel
