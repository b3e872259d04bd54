"""The profiles of this user, for messages that say which of them to choose."""

import contextlib
import http.client
import json
import os
import shlex
import socket
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import urlsplit

from qai_hub.config.files import Secret, is_loopback, profile_path, read_values
from qai_hub.errors import UserError, redact_url
from qai_hub.next_steps import Step

__all__ = [
    "Profile",
    "best_first",
    "explain_absent_hub",
    "explain_refused_token",
    "find_profiles",
    "find_working",
    "how_to_choose",
    "is_refused",
]

_DEFAULT_PORT = 8642
_DEFAULT_PROFILE = "local"
_MAX_PROFILES = 50
# Seconds; on this machine, a connection is accepted or refused at once.
_CONNECT_LIMIT = 0.2
_ANSWER_LIMIT = 1.0
# Any operation that needs a token and no more.
_USER_PATH = "/api/v1/users/auth/user/"
_REFUSALS = (401, 403)

_WORKS, _UNKNOWN, _FAILS = range(3)


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


def best_first(profiles: list[Profile]) -> list[Profile]:
    """Sorts profiles by how good advice it is to choose them.

    First are those that work, and of equals the one that `qai-hub serve` writes by default. Only
    servers on this machine are asked.

    Args:
        profiles: The profiles, sorted by name.

    Returns:
        The profiles.
    """
    return sorted(profiles, key=lambda each: (_try(each), each.name != _DEFAULT_PROFILE))


def find_working(url: str | None = None) -> list[Profile]:
    """Finds the profiles whose server on this machine runs and takes their token, the best first.

    Args:
        url: URL of the server, of which only host and port count; None for any.
    """
    wanted = [each for each in find_profiles() if not url or _is_same_server(each.api_url, url)]
    return best_first([each for each in wanted if _try(each) == _WORKS])


def how_to_choose(profiles: list[Profile]) -> str:
    """Tells the ways to choose one of some profiles.

    Args:
        profiles: The profiles, at least one.

    Returns:
        A text to continue "choose it with".
    """
    one = profiles[0]
    in_scripts = f"hub.Client(profile={json.dumps(one.name, ensure_ascii=False)})"
    option = f"--profile {shlex.quote(one.name)}"
    variable = f"QAIHUB_CLIENT_INI={shlex.quote(str(one.path))}"
    return str(Step(f"{in_scripts}, `qai-hub {option}` or {variable}", f"`{option}` or {variable}"))


def explain_absent_hub(url: str, token: str, file: Path | None) -> str:
    """Tells what to do if nothing listens at a URL on this machine.

    Args:
        url: The URL, of which only host and port count.
        token: The token in use.
        file: The file that the URL was read from; None if it was not from a file.

    Returns:
        Sentences that name the command to start a local hub there, the profile in use, and one
        whose server runs.
    """
    profiles = find_profiles()
    own = [profile for profile in profiles if _is_same_server(profile.api_url, url)]
    used = _find_used(own, token, file) or _find_file(own, file)
    whose = f", to which the profile {used.name!r} points" if used else ""
    serve = _how_to_serve(url, used, profiles)
    text = f"no server runs at this address{whose}. Start a local hub with {serve}"
    running = [profile for profile in find_working() if profile not in own]
    if running:
        other = running[0]
        text += (
            f", or choose the profile {other.name!r}, whose server at {redact_url(other.api_url)} "
            f"runs, with {how_to_choose(running)}"
        )
    return f"{text}."


def explain_refused_token(url: str, token: str, file: Path | None) -> str:
    """Tells how to get a valid token of a local hub on this machine.

    Args:
        url: URL of the hub, of which only host and port count.
        token: The token that it refused.
        file: The file that the token was read from; None if it was not from a file.

    Returns:
        Sentences that name where the token is from, a profile of the hub that has another one, and
        the commands that renew it.
    """
    profiles = find_profiles()
    own = [profile for profile in profiles if _is_same_server(profile.api_url, url)]
    used = _find_used(own, token, file)
    others = [profile for profile in own if profile.token != token]
    others = best_first([each for each in others if _try(each) != _FAILS])
    if file is None and os.environ.get("QAI_HUB_API_TOKEN", "").strip() == token:
        return f"It is from QAI_HUB_API_TOKEN: {_replace_variable(others)}."
    if used is None and others:
        return (
            f"The profile {others[0].name!r} is for this hub: choose it with "
            f"{how_to_choose(others)}."
        )
    named = used.name if used else _free_name(url, profiles)
    text = (
        f"{_how_to_serve(url, used, profiles)} writes a valid one to the profile {named!r} when "
        "it starts again, and `qai-hub users renew EMAIL` prints a new one."
    )
    if others:
        text += (
            f" The profile {others[0].name!r} is for this hub as well: choose it with "
            f"{how_to_choose(others)}."
        )
    return text


def _replace_variable(others: list[Profile]) -> str:
    if others:
        return (
            f"unset it, and choose the profile {others[0].name!r}, which is for this hub, with "
            f"{how_to_choose(others)}"
        )
    return "set it to a valid one, such as `qai-hub users renew EMAIL` prints"


def _find_file(own: list[Profile], file: Path | None) -> Profile | None:
    """Returns the profile that is a file, of those of one server."""
    return next((profile for profile in own if profile.path == file), None)


def _find_used(own: list[Profile], token: str, file: Path | None) -> Profile | None:
    """Returns the profile with the token in use, of those of one server; rather the file's own."""
    equal = [profile for profile in own if token and profile.token == token]
    return _find_file(equal, file) or next(iter(equal), None)


def _how_to_serve(url: str, used: Profile | None, profiles: list[Profile]) -> str:
    """Returns the command that starts a local hub at a URL and writes no profile of another one."""
    port = _port(url)
    name = used.name if used else _free_name(url, profiles)
    # `qai-hub serve` names the profiles of a hub's further users after that of the first.
    first = [each.name for each in profiles if used and _is_of_further_user(used, each)]
    name = first[0] if first else name
    command = "qai-hub serve"
    command += f" --port {port}" if port != _DEFAULT_PORT else ""
    command += f" --profile {shlex.quote(name)}" if name != _DEFAULT_PROFILE else ""
    return f"`{command}` and the --user options that it had" if first else f"`{command}`"


def _is_of_further_user(profile: Profile, first: Profile) -> bool:
    base, _, email = profile.name.partition(f"{first.name}-")
    return not base and "@" in email and _is_same_server(profile.api_url, first.api_url)


def _free_name(url: str, profiles: list[Profile]) -> str:
    """Returns the default profile, or if it is another server's, the name of one that is not."""
    servers = {profile.name: profile.api_url for profile in profiles}
    numbered = f"{_DEFAULT_PROFILE}-{_port(url)}"
    names = [_DEFAULT_PROFILE, numbered, *(f"{numbered}-{number}" for number in range(2, 100))]
    fitting = (name for name in names if name not in servers or _is_same_server(servers[name], url))
    return next(fitting, numbered)


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


def is_refused(url: str, token: str) -> bool:
    """Returns whether a server on this machine runs and refuses a token; asks no other machine."""
    with contextlib.suppress(OSError, ValueError, http.client.HTTPException):
        return _ask_for_user(url, token) in _REFUSALS
    return False


def _try(profile: Profile) -> int:
    """Returns whether a profile works, as far as this machine can tell; asks no other machine."""
    try:
        if not is_loopback(urlsplit(profile.api_url).hostname):
            return _UNKNOWN
        return _FAILS if _ask_for_user(profile.api_url, profile.token) in _REFUSALS else _WORKS
    except (OSError, ValueError, http.client.HTTPException):
        return _FAILS


def _ask_for_user(url: str, token: str) -> int | None:
    """Returns the status with which a server answers a token; None if it is not asked.

    Raises:
        OSError: It does not run, or not in time.
        http.client.HTTPException: It does not answer in HTTP.
    """
    parts = urlsplit(url)
    host = parts.hostname
    if host is None or not is_loopback(host):
        return None
    with socket.create_connection((host, _port(url)), _CONNECT_LIMIT) as connection:
        if parts.scheme != "http":
            return None
        connection.settimeout(_ANSWER_LIMIT)
        client = http.client.HTTPConnection(host, _port(url))
        client.sock = connection
        headers = {"Authorization": f"token {token}", "Connection": "close"}
        client.request("GET", _USER_PATH, headers=headers)
        return client.getresponse().status


def _port(url: str) -> int:
    parts = urlsplit(url)
    return parts.port or (443 if parts.scheme == "https" else 80)
