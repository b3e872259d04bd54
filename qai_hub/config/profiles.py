"""The profiles of this user, for messages that say which of them to choose."""

import contextlib
import json
import shlex
import socket
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import urlsplit

from qai_hub.config.files import Secret, is_loopback, profile_path, read_values
from qai_hub.errors import UserError, redact_url

__all__ = [
    "Profile",
    "explain_absent_hub",
    "explain_refused_token",
    "find_profiles",
    "how_to_choose",
]

_DEFAULT_PORT = 8642
_DEFAULT_PROFILE = "local"
_MAX_PROFILES = 50
# Seconds; on this machine, a connection is accepted or refused at once.
_CONNECT_LIMIT = 0.2


@dataclass(frozen=True)
class Profile:
    """A configuration file in the folder of profiles.

    Attributes:
        name: Its name.
        path: The file.
        api_url: URL of its server; empty for the default one.
        token: Its token.
    """

    name: str
    path: Path
    api_url: str
    token: str = field(repr=False)


def find_profiles(
    *, environ: Mapping[str, str] | None = None, home: Path | None = None
) -> list[Profile]:
    """Finds the profiles that can be read, and have a token.

    Args:
        environ: Environment variables; None for those of the process.
        home: Folder that contains `.qai_hub`; None for the user's home folder.

    Returns:
        The profiles, sorted by name.
    """
    folder = profile_path(_DEFAULT_PROFILE, environ=environ, home=home).parent
    return list(_read_profiles(folder))


def how_to_choose(profiles: list[Profile]) -> str:
    """Tells the ways to choose one of some profiles.

    Args:
        profiles: The profiles, at least one.

    Returns:
        A text to continue "choose it with".
    """
    one = profiles[0]
    return (
        f"hub.Client(profile={json.dumps(one.name, ensure_ascii=False)}), "
        f"`qai-hub --profile {shlex.quote(one.name)}` or "
        f"QAIHUB_CLIENT_INI={shlex.quote(str(one.path))}"
    )


def explain_absent_hub(url: str) -> str:
    """Tells what to do if nothing listens at a URL on this machine.

    Args:
        url: The URL, of which only host and port count.

    Returns:
        Sentences that name the command to start a local hub there, and the profiles of that hub or
        of one that runs.
    """
    profiles = find_profiles()
    own = [profile for profile in profiles if _is_same_server(profile.api_url, url)]
    named = own[0].name if own else _DEFAULT_PROFILE
    port = _port(url)
    command = "qai-hub serve"
    command += f" --port {port}" if port != _DEFAULT_PORT else ""
    command += f" --profile {shlex.quote(named)}" if named != _DEFAULT_PROFILE else ""
    whose = f", to which the profile {named!r} points" if own else ""
    text = f"no server runs at this address{whose}. Start a local hub with `{command}`"
    running = [profile for profile in profiles if profile not in own and _is_running(profile)]
    if running:
        other = running[0]
        text += (
            f", or choose the profile {other.name!r}, whose server at {redact_url(other.api_url)} "
            f"runs, with {how_to_choose(running)}"
        )
    return f"{text}."


def explain_refused_token(url: str, token: str) -> str:
    """Tells how to get a valid token of a local hub on this machine.

    Args:
        url: URL of the hub, of which only host and port count.
        token: The token that it refused.

    Returns:
        Sentences that name the hub's profile, if there is one, or the commands that renew it.
    """
    own = [profile for profile in find_profiles() if _is_same_server(profile.api_url, url)]
    valid = [profile for profile in own if profile.token != token]
    if valid:
        return (
            f"The profile {valid[0].name!r} is for this hub: choose it with {how_to_choose(valid)}."
        )
    place = f"the profile {own[0].name!r}" if own else "the profile that it names"
    return (
        f"`qai-hub serve` writes a valid one to {place} when it starts again, and "
        "`qai-hub users renew EMAIL` prints a new one."
    )


def _read_profiles(folder: Path) -> Iterator[Profile]:
    with contextlib.suppress(OSError):
        for path in sorted(folder.glob("*.ini"))[:_MAX_PROFILES]:
            with contextlib.suppress(OSError, UserError):
                values = read_values(path)
                if token := values.get("api_token", "").strip():
                    url = values.get("api_url", "").strip()
                    yield Profile(path.stem, path, url, Secret(token))


def _is_same_server(one: str, other: str) -> bool:
    with contextlib.suppress(ValueError):
        both_local = is_loopback(urlsplit(one).hostname) and is_loopback(urlsplit(other).hostname)
        return both_local and _port(one) == _port(other)
    return False


def _is_running(profile: Profile) -> bool:
    """Returns whether a server accepts connections at the profile's address on this machine."""
    with contextlib.suppress(OSError, ValueError):
        host = urlsplit(profile.api_url).hostname
        if host and is_loopback(host):
            with socket.create_connection((host, _port(profile.api_url)), _CONNECT_LIMIT):
                return True
    return False


def _port(url: str) -> int:
    parts = urlsplit(url)
    return parts.port or (443 if parts.scheme == "https" else 80)
