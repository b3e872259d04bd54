"""Tells where files of the official client are among those of this package.

Both distributions have a package `qai_hub`. In one environment, each overwrites files of the other,
and whichever is uninstalled takes files of the other with it. `qai_hub/__init__.py` looks for a
file that only the official client has. Where that module is no longer this package's, or is gone,
`qai_hub.client` and the command look themselves: no file of the official client replaces theirs.
"""

import sys

__all__ = [
    "DISTRIBUTION",
    "OFFICIAL_DISTRIBUTION",
    "describe_foreign_package",
    "describe_official_files",
    "has_official_files",
    "repair",
    "warn_of_official_files",
]

DISTRIBUTION = "qai-hub-openapi"
OFFICIAL_DISTRIBUTION = "qai-hub"


def describe_foreign_package() -> str | None:
    """Returns what has become of `qai_hub/__init__.py`, if it is not ours, and the repair.

    Returns:
        The text; None where all is well.
    """
    package = sys.modules["qai_hub"]
    if getattr(package, "__distribution__", None) == DISTRIBUTION:
        return None
    if getattr(package, "__file__", None) is None:
        happened = (
            f"Files of {DISTRIBUTION} are missing from {_folder()}, as after the "
            f"official client, {OFFICIAL_DISTRIBUTION}, has been uninstalled from there."
        )
    else:
        happened = (
            f"The official client, {OFFICIAL_DISTRIBUTION}, has overwritten files of "
            f"{DISTRIBUTION} in {_folder()}."
        )
    return f"{happened} {repair()}"


def has_official_files() -> bool:
    """Returns whether the official client's command is among the files of this package."""
    from os.path import exists

    return exists(f"{_folder()}/_cli.py")  # noqa: PTH110 - pathlib is not loaded for this


def describe_official_files() -> str:
    """Returns what it means that files of the official client are beside this package's."""
    return (
        f"Files of the official client, {OFFICIAL_DISTRIBUTION}, are among those of {DISTRIBUTION} "
        f"in {_folder()}: uninstalling or upgrading either would break the other."
    )


def warn_of_official_files() -> None:
    """Warns the code that imports `qai_hub`, and tells the repair."""
    import warnings

    warnings.warn(f"{describe_official_files()} {repair()}", UserWarning, stacklevel=3)


def _folder() -> str:
    return str(sys.modules["qai_hub"].__path__[0])


def repair() -> str:
    """Returns how to have this package alone, by the tool that has installed it."""
    from importlib import metadata

    try:
        own = metadata.distribution(DISTRIBUTION)
    except metadata.PackageNotFoundError:
        tool, source = "pip", DISTRIBUTION
    else:
        by_uv = (own.read_text("INSTALLER") or "").strip() == "uv"
        tool, source = "uv pip" if by_uv else "pip", _source(own.read_text("direct_url.json"))
    return (
        f"Run `{tool} uninstall {OFFICIAL_DISTRIBUTION} {DISTRIBUTION}`, then `{tool} install "
        f"{source}`. If other packages need {OFFICIAL_DISTRIBUTION}, `qai-hub shim install` stands "
        "in for it; the official client itself needs an environment of its own."
    )


def _source(direct_url: str | None) -> str:
    """Returns what to install, given what an installer has noted of a source that is no index."""
    if not direct_url:
        return DISTRIBUTION
    import json
    import shlex

    noted = json.loads(direct_url)
    url = shlex.quote(noted["url"])
    if noted.get("dir_info", {}).get("editable"):
        return f"--editable {url}"
    if "vcs_info" in noted:
        return shlex.quote(f"{noted['vcs_info']['vcs']}+{noted['url']}")
    return url
