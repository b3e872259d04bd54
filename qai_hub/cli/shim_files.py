"""The shim: a distribution `qai-hub` without files, which stands in for the official one.

Installers compare distributions, not packages, and both `Provides-Dist` of this distribution and a
second name for it would be ignored. So a package that requires `qai-hub` gets one that is there.
"""

import base64
import hashlib
import shutil
import sys
import sysconfig
import tempfile
import zipfile
from importlib import metadata
from pathlib import Path
from typing import NamedTuple

from qai_hub._version import OFFICIAL_RELEASE
from qai_hub.cli.common import CommandError
from qai_hub.coexistence import DISTRIBUTION, OFFICIAL_DISTRIBUTION
from qai_hub.written_files import whole_file

_MARK = "+openapi"
# A local version equals the official one for `==0.56.0`, and is newer for an upgrade.
VERSION = f"{OFFICIAL_RELEASE}{_MARK}"
"""Version of the shim: the official release that this package follows."""

_STEM = f"{OFFICIAL_DISTRIBUTION.replace('-', '_')}-{VERSION}"
_FOLDER = f"{_STEM}.dist-info"
# So that the same release writes the same wheel.
_TIMESTAMP = (1980, 1, 1, 0, 0, 0)


class Installed(NamedTuple):
    """An installed distribution `qai-hub`.

    Attributes:
        version: Its version.
        folder: The folder of its metadata.
    """

    version: str
    folder: Path

    @property
    def is_shim(self) -> bool:
        """Whether it is a shim of ours, of whichever release."""
        return self.version.endswith(_MARK)


def find_installed() -> Installed | None:
    """Returns the distribution `qai-hub` that is installed, or None."""
    try:
        found = metadata.distribution(OFFICIAL_DISTRIBUTION)
    except metadata.PackageNotFoundError:
        return None
    return Installed(found.version, _metadata_folder(found))


def install_shim() -> Path:
    """Installs the shim beside this distribution, in place of one of another release.

    Returns:
        The folder of packages.

    Raises:
        CommandError: The folder is not this command's to write to.
    """
    refuse_managed_environment()
    try:
        site = _metadata_folder(metadata.distribution(DISTRIBUTION)).parent
    except metadata.PackageNotFoundError as error:
        raise CommandError(
            f"{DISTRIBUTION} is not installed, only its files are there: there is no environment "
            "to which the shim would belong."
        ) from error
    old = find_installed()
    try:
        _write_metadata(site)
        if old is not None and old.folder.name != _FOLDER:
            shutil.rmtree(old.folder)
    except OSError as error:
        raise _unwritable(site, error) from error
    return site


def remove_shim(installed: Installed) -> None:
    """Removes an installed shim.

    Raises:
        CommandError: The folder is not this command's to write to.
    """
    refuse_managed_environment()
    try:
        shutil.rmtree(installed.folder)
    except OSError as error:
        raise _unwritable(installed.folder.parent, error) from error


def write_wheel(folder: Path) -> Path:
    """Writes the shim as a wheel.

    Args:
        folder: The folder for it, which may be missing.

    Returns:
        The wheel.
    """
    wheel = folder / f"{_STEM}-py3-none-any.whl"
    with whole_file(wheel) as part, zipfile.ZipFile(part, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in _files({}).items():
            archive.writestr(zipfile.ZipInfo(f"{_FOLDER}/{name}", _TIMESTAMP), content)
    return wheel


def refuse_managed_environment() -> None:
    """Raises an error where the packages of this interpreter are the system's (PEP 668).

    Raises:
        CommandError: They are.
    """
    marker = Path(sysconfig.get_path("stdlib")) / "EXTERNALLY-MANAGED"
    if sys.prefix == sys.base_prefix and marker.exists():
        raise CommandError(
            f"The packages of {sys.executable} are managed by the system ({marker}). Use a virtual "
            "environment, or install the wheel that `qai-hub shim wheel` writes in the way in "
            f"which you have installed {DISTRIBUTION}."
        )


def _write_metadata(site: Path) -> None:
    target = site / _FOLDER
    if target.exists():
        return
    # Installers that look meanwhile see all of it or nothing.
    with tempfile.TemporaryDirectory(dir=site, prefix=".qai-hub-shim-") as folder:
        made = Path(folder) / _FOLDER
        made.mkdir()
        for name, content in _files({"INSTALLER": f"{DISTRIBUTION}\n"}).items():
            (made / name).write_bytes(content.encode())
        made.rename(target)


def _files(more: dict[str, str]) -> dict[str, str]:
    """Returns the files of the metadata, by name, those of an installer included."""
    files = {
        "METADATA": (
            "Metadata-Version: 2.1\n"
            f"Name: {OFFICIAL_DISTRIBUTION}\n"
            f"Version: {VERSION}\n"
            f"Summary: Stands in for the official client where {DISTRIBUTION} is: it has no files\n"
            # So that tools tell if this distribution is uninstalled, and the shim stays.
            f"Requires-Dist: {DISTRIBUTION}\n"
        ),
        "WHEEL": (
            f"Wheel-Version: 1.0\nGenerator: {DISTRIBUTION}\n"
            "Root-Is-Purelib: true\nTag: py3-none-any\n"
        ),
        **more,
    }
    lines = [_record_line(name, content) for name, content in files.items()]
    return files | {"RECORD": "".join([*lines, f"{_FOLDER}/RECORD,,\n"])}


def _record_line(name: str, content: str) -> str:
    digest = base64.urlsafe_b64encode(hashlib.sha256(content.encode()).digest()).rstrip(b"=")
    return f"{_FOLDER}/{name},sha256={digest.decode()},{len(content.encode())}\n"


def _metadata_folder(distribution: metadata.Distribution) -> Path:
    name = distribution.metadata["Name"].replace("-", "_")
    return Path(str(distribution.locate_file(f"{name}-{distribution.version}.dist-info")))


def _unwritable(site: Path, error: OSError) -> CommandError:
    return CommandError(
        f"{site} cannot be changed: {error.strerror or error}. Run this as whoever may, or install "
        "the wheel that `qai-hub shim wheel` writes."
    )
