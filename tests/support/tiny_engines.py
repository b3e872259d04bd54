"""Engines of one tiny package, from wheels that are made on the spot."""

import sys
import zipfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest

from qai_hub.local.engines import catalog
from qai_hub.local.engines.catalog import Engine
from qai_hub.local.engines.places import FOLDER_VARIABLE

EVERYWHERE = tuple(
    (system, processor)
    for system in ("Linux", "Darwin")
    for processor in ("x86_64", "aarch64", "arm64")
)
THIS_PYTHON = f"{sys.version_info.major}.{sys.version_info.minor}"


def make_wheel(folder: Path, name: str, version: str, modules: Mapping[str, str]) -> None:
    """Write a wheel.

    Args:
        folder: Where to.
        name: The package.
        version: Its version.
        modules: The code of each module.
    """
    folder.mkdir(parents=True, exist_ok=True)
    escaped = name.replace("-", "_")
    about = f"{escaped}-{version}.dist-info"
    files = {f"{module}.py": code for module, code in modules.items()}
    files |= {
        f"{about}/METADATA": f"Metadata-Version: 2.1\nName: {name}\nVersion: {version}\n",
        f"{about}/WHEEL": "Wheel-Version: 1.0\nRoot-Is-Purelib: true\nTag: py3-none-any\n",
    }
    record = "".join(f"{path},,\n" for path in (*files, f"{about}/RECORD"))
    with zipfile.ZipFile(folder / f"{escaped}-{version}-py3-none-any.whl", "w") as wheel:
        for path, text in {**files, f"{about}/RECORD": record}.items():
            wheel.writestr(path, text)


@dataclass(frozen=True)
class TinyEngines:
    """Makes engines.

    Attributes:
        folder: Where engines are installed.
        wheels: Where packages come from.
    """

    folder: Path
    wheels: Path

    def make(
        self,
        modules: Mapping[str, str],
        *,
        name: str = "tiny",
        package: str = "tiny-package",
        version: str = "1.0",
        pythons: tuple[str, ...] = (),
        has_wheel: bool = True,
    ) -> Engine:
        """Make an engine of one package.

        Args:
            modules: The code of the modules of the package.
            name: The engine.
            package: The package.
            version: Its version.
            pythons: Versions of Python; none for an overlay.
            has_wheel: Whether the package can be had.
        """
        if has_wheel:
            make_wheel(self.wheels, package, version, modules)
        lock = self.wheels / f"{name}-{version}.txt"
        lock.parent.mkdir(parents=True, exist_ok=True)
        lock.write_text(
            f"--no-index\n--find-links {self.wheels}\n# It is tiny.\n{package}=={version}\n"
        )
        return Engine(
            name=name,
            description="do next to nothing",
            lock=lock,
            modules=tuple(modules),
            pythons=pythons,
            platforms=EVERYWHERE,
            download=1000,
        )

    def left(self) -> set[str]:
        """The files and folders of engines, without locks."""
        found = self.folder.iterdir() if self.folder.is_dir() else ()
        return {path.name for path in found if path.suffix != ".lock"}


@contextmanager
def tiny_engines(folder: Path) -> Iterator[TinyEngines]:
    """Have engines in a folder of their own."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv(FOLDER_VARIABLE, str(folder / "engines"))
        yield TinyEngines(folder / "engines", folder / "wheels")


@contextmanager
def listed(*engines: Engine) -> Iterator[None]:
    """Have engines in the table."""
    with pytest.MonkeyPatch.context() as patch:
        for engine in engines:
            patch.setitem(catalog.ENGINES, engine.name, engine)
        yield
