"""Which configuration counts, and why."""

import os
import shlex
import stat
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import urlsplit

from qai_hub.cli.diagnosis.finding import Finding, State
from qai_hub.config import ClientConfig, profile_path
from qai_hub.config.files import is_encrypted_or_local, read_values
from qai_hub.config.model import HOW_TO_CONFIGURE, load_server
from qai_hub.errors import UserError

_TOPIC = "configuration"
_OTHERS = 0o077


def load_or_explain(profile: str | None) -> ClientConfig | Finding:
    """Returns the configuration that counts, or why there is none."""
    try:
        return load_server(profile)
    except (UserError, OSError) as error:
        path = _path_or_none(profile)
        remedy = "Correct it, or write it anew with `qai-hub configure`."
        if path is not None and not path.exists():
            remedy = "Choose a profile with --profile, or write the file with `qai-hub configure`."
        return Finding(_TOPIC, "content", State.PROBLEM, str(error), remedy)


def examine_configuration(profile: str | None, loaded: ClientConfig | Finding) -> Iterator[Finding]:
    """Yields where the configuration comes from, and what is in it."""
    yield Finding(_TOPIC, "source", State.OK, _describe_source(profile))
    if isinstance(loaded, Finding):
        yield loaded
    else:
        yield from _examine_content(loaded)
    folder = profile_path("client").parent
    files = sorted(folder.glob("*.ini"))
    yield Finding(_TOPIC, "profiles", State.OK, ", ".join(map(_describe, files)) or "none")
    yield from _examine_permissions([*files, *folder.glob("*.ini.bak"), _path_or_none(profile)])


def _describe_source(profile: str | None) -> str:
    path = _path_or_none(profile)
    if path is None:
        return f"the profile {profile!r}, which cannot be a file's name"
    there = "" if path.exists() else ", which does not exist"
    if profile is not None:
        return f"--profile: {path}{there}; the environment does not change it"
    parts = [
        f"{name} replaces the {what} of the file"
        for name, what in (("QAI_HUB_API_TOKEN", "token"), ("QAI_HUB_API_URL", "server"))
        if os.environ.get(name, "").strip()
    ]
    named = bool(os.environ.get("QAIHUB_CLIENT_INI", "").strip())
    file = f"QAIHUB_CLIENT_INI names {path}" if named else f"{path}, the default"
    return "; ".join([f"{file}{there}", *parts])


def _examine_content(config: ClientConfig) -> Iterator[Finding]:
    if config.api_token:
        yield Finding(_TOPIC, "token", State.OK, "there is one, which is not shown")
    else:
        yield Finding(_TOPIC, "token", State.PROBLEM, "There is none.", HOW_TO_CONFIGURE)
    if is_encrypted_or_local(config.api_url):
        yield Finding(_TOPIC, "server", State.OK, config.api_url)
    else:
        yield Finding(
            _TOPIC,
            "server",
            State.PROBLEM,
            f"{config.api_url} is not encrypted: others can read the token.",
            "Use an address with https.",
        )


def _describe(file: Path) -> str:
    try:
        url = read_values(file).get("api_url", "")
        parts = urlsplit(url)
        host = f"{parts.hostname or ''}{f':{parts.port}' if parts.port else ''}"
    except (UserError, OSError, ValueError):
        return f"{file.stem} (cannot be read)"
    return f"{file.stem} ({host or 'the official service'})"


def _examine_permissions(files: list[Path | None]) -> Iterator[Finding]:
    if os.name != "posix":
        return
    for file in dict.fromkeys(each for each in files if each is not None and each.exists()):
        mode = stat.S_IMODE(file.stat().st_mode)
        if mode & _OTHERS:
            yield Finding(
                _TOPIC,
                "permissions",
                State.PROBLEM,
                f"Others can read or change {file}: its mode is {mode:03o}.",
                f"Run `chmod 600 {shlex.quote(str(file))}`, and replace the token if others have "
                "seen it.",
            )


def _path_or_none(profile: str | None) -> Path | None:
    try:
        return profile_path(profile)
    except UserError:
        return None
