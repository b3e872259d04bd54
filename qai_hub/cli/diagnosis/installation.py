"""What is installed, and from where `qai_hub` is imported."""

import platform
import re
import sys
from collections.abc import Iterator
from importlib import metadata
from pathlib import Path

import qai_hub
from qai_hub._version import __version__
from qai_hub.cli.diagnosis.finding import Finding, State
from qai_hub.cli.shim_files import VERSION, find_installed
from qai_hub.coexistence import (
    DISTRIBUTION,
    OFFICIAL_DISTRIBUTION,
    describe_official_files,
    has_official_files,
    repair,
)

EXTRAS = {
    "local": "the local hub",
    "qnn": "target models for Snapdragon on the local hub",
    "tflite": "runs of .tflite models on the local hub",
    "torch": "TorchScript and exported programs on the local hub",
    "team": "a local hub of several processes",
    "metrics": "metrics of the local hub",
    "otel": "traces of the local hub",
    "oidc": "sign-in at the local hub by OpenID Connect",
    "dask": "jobs of the local hub on a Dask cluster",
    "netron": "graphs on pages of the local hub",
    "s3": "transfers with storage credentials",
    "pandas": "profiles as tables",
}
"""The extras that users install, and what each is for."""

_TOPIC = "installation"
_EXTRA = re.compile(r"""extra\s*==\s*['"]([\w-]+)['"]""")
_NAME = re.compile(r"[\w.-]+")


def examine_installation() -> Iterator[Finding]:
    """Yields what is installed."""
    yield Finding(_TOPIC, DISTRIBUTION, State.OK, __version__)
    python = f"{platform.python_implementation()} {platform.python_version()}, {sys.executable}"
    yield Finding(_TOPIC, "Python", State.OK, python)
    yield Finding(_TOPIC, "system", State.OK, platform.platform())
    yield _examine_import()
    yield _examine_official_name()
    try:
        required = metadata.requires(DISTRIBUTION) or []
    except metadata.PackageNotFoundError:
        yield Finding(
            _TOPIC,
            "packages",
            State.PROBLEM,
            f"{DISTRIBUTION} is not installed: only its files are there.",
            f"Run `pip install {DISTRIBUTION}`.",
        )
        return
    yield _examine_packages([text for text in required if not _EXTRA.search(text)])
    wanted = {
        extra: _names([text for text in required if extra in _EXTRA.findall(text)])
        for extra in EXTRAS
    }
    for extra, purpose in EXTRAS.items():
        # Extras for the local hub bring what it needs itself.
        own = [name for name in wanted[extra] if extra == "local" or name not in wanted["local"]]
        yield _examine_extra(extra, purpose, own)


def _examine_import() -> Finding:
    place = Path(qai_hub.__file__).parent
    others = [each for each in _find_copies() if each != place.resolve()]
    if has_official_files():
        return Finding(_TOPIC, "qai_hub", State.PROBLEM, describe_official_files(), repair())
    if others:
        return Finding(
            _TOPIC,
            "qai_hub",
            State.PROBLEM,
            f"Imported from {place}, but scripts may import another: {_join(others)}.",
            "Remove the other from PYTHONPATH, or the folder from which scripts are run.",
        )
    return Finding(_TOPIC, "qai_hub", State.OK, f"imported from {place}")


def _examine_official_name() -> Finding:
    """Examines what other packages find that require the official distribution."""
    found = find_installed()
    if found is None:
        return Finding(
            _TOPIC,
            OFFICIAL_DISTRIBUTION,
            State.SKIPPED,
            "not there: packages that require it would install the official client over this one",
            "Before you install such a package, run `qai-hub shim install`.",
        )
    place = f"{found.version} in {found.folder.parent}"
    if not found.is_shim:
        return Finding(
            _TOPIC,
            OFFICIAL_DISTRIBUTION,
            State.PROBLEM,
            f"The official client is installed, {place}: it is the package qai_hub, too.",
            repair(),
        )
    if found.version != VERSION:
        return Finding(
            _TOPIC,
            OFFICIAL_DISTRIBUTION,
            State.PROBLEM,
            f"The shim is that of another release: {place}; {VERSION} is due.",
            "Run `qai-hub shim install`.",
        )
    return Finding(_TOPIC, OFFICIAL_DISTRIBUTION, State.OK, f"the shim, {place}")


def _find_copies() -> list[Path]:
    """Returns the folders of the package in the order in which they would be imported."""
    folders = (Path(entry or ".").resolve() / "qai_hub" for entry in sys.path)
    return list(dict.fromkeys(each for each in folders if (each / "__init__.py").is_file()))


def _examine_packages(required: list[str]) -> Finding:
    versions = {name: _version(name) for name in _names(required)}
    missing = [name for name, version in versions.items() if version is None]
    if missing:
        return Finding(
            _TOPIC,
            "packages",
            State.PROBLEM,
            f"Missing: {', '.join(missing)}.",
            f"Run `pip install {DISTRIBUTION}`.",
        )
    text = ", ".join(f"{name} {version}" for name, version in versions.items())
    return Finding(_TOPIC, "packages", State.OK, text)


def _examine_extra(extra: str, purpose: str, names: list[str]) -> Finding:
    versions = {name: _version(name) for name in names}
    missing = [name for name, version in versions.items() if version is None]
    name = f"extra {extra}"
    if missing:
        return Finding(
            _TOPIC,
            name,
            State.SKIPPED,
            f"{purpose}: without {', '.join(missing)}",
            f"If you need it, run `pip install '{DISTRIBUTION}[{extra}]'`.",
        )
    text = ", ".join(f"{each} {version}" for each, version in versions.items())
    return Finding(_TOPIC, name, State.OK, f"{purpose}: {text}")


def _names(required: list[str]) -> list[str]:
    found = (match[0] for match in map(_NAME.match, required) if match)
    return [name for name in dict.fromkeys(found) if name != DISTRIBUTION]


def _version(name: str) -> str | None:
    try:
        return metadata.version(name)
    except metadata.PackageNotFoundError:
        return None


def _join(paths: list[Path]) -> str:
    return ", ".join(map(str, paths))
