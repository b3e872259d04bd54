"""The configuration of a client, and its loading from files and the environment."""

import contextlib
import copy
import dataclasses
import logging
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Literal, cast, get_args

from qai_hub.config.files import (
    check_token,
    check_url,
    environment_or_process,
    is_encrypted_or_local,
    missing_profile_message,
    profile_path,
    read_values,
    write_values,
)
from qai_hub.config.profiles import best_first, find_profiles, how_to_choose
from qai_hub.errors import Error, UserError, redact_url

__all__ = ["OFFICIAL_URL", "ClientConfig", "Wire", "load_config", "require_token", "save_config"]

OFFICIAL_URL = "https://workbench.aihub.qualcomm.com"
"""URL of the official service.

Examples:
    >>> from qai_hub.config import OFFICIAL_URL
    >>> hub.ClientConfig("TOKEN").api_url == OFFICIAL_URL
    True
"""

HOW_TO_CONFIGURE = (
    "Run `qai-hub configure --api_token TOKEN`, set QAI_HUB_API_TOKEN, or start a local hub with "
    "`qai-hub serve` and set QAIHUB_CLIENT_INI to the file that it names."
)

Wire = Literal["auto", "json", "protobuf"]
"""The format that a server uses; `auto` chooses it by the server's URL.

Examples:
    >>> config = hub.ClientConfig("TOKEN", "https://hub.example.com", wire="json")
"""

_OFFICIAL_DOMAIN = "aihub.qualcomm.com"
_TRUE = frozenset({"true", "yes", "on", "1", "t", "y"})
_FALSE = frozenset({"false", "no", "off", "0", "f", "n"})

_logger = logging.getLogger("qai_hub")


@dataclasses.dataclass(frozen=True)
class Origin:
    """Which files a configuration was read from, for messages.

    Attributes:
        url: The file with the URL; None if it was given in another way.
        token: The file with the token; None if it was given in another way.
    """

    url: Path | None = None
    token: Path | None = None


@dataclasses.dataclass(repr=False)
class ClientConfig:
    """The configuration of a client: its server, its token and its defaults.

    The token appears in no repr and in no pickle. An unpickled configuration reads its token as
    `load_config` does, and uses it if that configuration names the same server.

    Args:
        api_token: Token of the account; empty for none.
        api_url: URL of the server, without the `/api/v1` of its endpoints.
        web_url: URL of the pages that jobs, models and datasets link to.
        verbose: Whether to show progress on stderr.
        client_mode: Whether a program or the command line uses the client.
        default_project: ID of the project for resources that are created without naming one.
        wire: The format that the server uses; `auto` chooses it by the server's URL.

    Raises:
        UserError: If a URL is not an http or https URL with a host, or the token is not valid in
            a header.

    Examples:
        >>> url = "http://127.0.0.1:8642"
        >>> config = hub.ClientConfig("TOKEN", api_url=url, web_url=url)
        >>> client = hub.Client(config)
    """

    api_token: str
    api_url: str = OFFICIAL_URL
    web_url: str = OFFICIAL_URL
    verbose: bool = False
    client_mode: Literal["library", "cli"] = "library"
    default_project: str | None = None
    wire: Wire = dataclasses.field(default="auto", kw_only=True)
    _profile: str | None = dataclasses.field(default=None, init=False, compare=False)
    _origin: Origin = dataclasses.field(default_factory=Origin, init=False, compare=False)

    def __post_init__(self) -> None:
        self.api_token = check_token(self.api_token)
        self.api_url = check_url("api_url", self.api_url)
        self.web_url = check_url("web_url", self.web_url)
        if self.wire not in get_args(Wire):
            raise UserError(f"wire is {self.wire!r}: it must be {', '.join(get_args(Wire))}.")
        if not is_encrypted_or_local(self.api_url):
            _logger.warning(
                "%s is not encrypted: others can read the token. Use https.",
                self.api_url,
            )

    def __repr__(self) -> str:
        shown = {
            field.name: getattr(self, field.name)
            for field in dataclasses.fields(self)
            if field.init
        }
        shown["api_token"] = "***" if self.api_token else ""
        return f"ClientConfig({', '.join(f'{name}={value!r}' for name, value in shown.items())})"

    @property
    def origin(self) -> Origin:
        """Which files it was read from."""
        return self._origin

    def __copy__(self) -> "ClientConfig":
        twin = object.__new__(type(self))
        vars(twin).update(vars(self))
        return twin

    def __deepcopy__(self, memo: dict[int, Any]) -> "ClientConfig":
        return copy.copy(self)

    def __getstate__(self) -> dict[str, Any]:
        left_out = ("api_token", "_origin")
        return {name: value for name, value in vars(self).items() if name not in left_out}

    def __setstate__(self, state: dict[str, Any]) -> None:
        vars(self).update(state)
        self.api_token, self._origin = _load_token(self.api_url, self._profile)


def is_official_host(host: str) -> bool:
    """Returns whether a host belongs to the official service."""
    return host == _OFFICIAL_DOMAIN or host.endswith(f".{_OFFICIAL_DOMAIN}")


def require_token(config: ClientConfig) -> str:
    """Returns the token of a configuration that is about to be used.

    Args:
        config: The configuration.

    Returns:
        The token.

    Raises:
        UserError: If there is none, or it is not valid in a header.

    Examples:
        >>> from qai_hub.config import require_token
        >>> require_token(hub.ClientConfig(" TOKEN ")) == "TOKEN"
        True
    """
    if not config.api_token:
        raise UserError(f"api_token is missing. {HOW_TO_CONFIGURE}")
    return check_token(config.api_token)


def load_config(
    profile: str | None = None,
    *,
    environ: Mapping[str, str] | None = None,
    home: Path | None = None,
) -> ClientConfig:
    """Reads the configuration from the sources that `qai_hub.config` lists.

    Args:
        profile: Name of the profile, or None for the default configuration.
        environ: Environment variables; None for those of the process.
        home: Folder that contains `.qai_hub`; None for the user's home folder.

    Returns:
        The configuration.

    Raises:
        FileNotFoundError: If the profile has no file.
        UserError: If there is no configuration, or it is invalid.

    Examples:
        >>> from qai_hub.config import load_config
        >>> load_config("local").api_url == local_hub.url
        True
    """
    return _load_config(profile, environ, home, needs_token=True)


def load_server(profile: str | None = None) -> ClientConfig:
    """Reads the configuration as `load_config` does, but it may be without a token.

    Args:
        profile: Name of the profile, or None for the default configuration.

    Returns:
        The configuration.

    Raises:
        FileNotFoundError: If the profile has no file.
        UserError: If there is no configuration, or it is invalid.
    """
    return _load_config(profile, None, None, needs_token=False)


def _load_config(
    profile: str | None,
    environ: Mapping[str, str] | None,
    home: Path | None,
    *,
    needs_token: bool,
) -> ClientConfig:
    path = profile_path(profile, environ=environ, home=home)
    environment = environment_or_process(environ) if profile is None else {}
    token = environment.get("QAI_HUB_API_TOKEN", "").strip()
    url = environment.get("QAI_HUB_API_URL", "").strip()
    sources = ["QAI_HUB_API_TOKEN"] * bool(token) + ["QAI_HUB_API_URL"] * bool(url)
    try:
        values = read_values(path)
        sources.append(f"{path}, section [api]")
    except FileNotFoundError:
        if profile is not None:
            raise FileNotFoundError(missing_profile_message(profile, path)) from None
        if not token and (needs_token or not url):
            raise UserError(_explain_missing(path, environ, home)) from None
        values = {}
    api_url = url or values.get("api_url") or OFFICIAL_URL
    try:
        config = ClientConfig(
            api_token=token or values.get("api_token", ""),
            api_url=api_url,
            web_url=url or values.get("web_url") or api_url,
            verbose=_parse_bool("verbose", values.get("verbose", "true")),
            default_project=values.get("default_project") or None,
            wire=cast(Wire, values.get("wire") or "auto"),
        )
        if needs_token:
            require_token(config)
    except UserError as error:
        raise UserError(f"{' and '.join(sources)}: {error}") from None
    config._profile = profile
    file = path if values else None
    config._origin = Origin(url=None if url else file, token=None if token else file)
    return config


def with_token(config: ClientConfig | None, token: str) -> ClientConfig:
    """Returns a copy of a configuration with another token.

    If no configuration is given, neither a file nor an earlier token is needed.

    Args:
        config: The configuration; None for the one that `load_config` reads.
        token: The token.

    Returns:
        The copy, which is for the official service unless a server is configured.

    Raises:
        UserError: If the token is invalid, or the existing configuration is.
    """
    secret = check_token(token)
    if config is None:
        # The environment or the file may have no token.
        config = load_config(environ={**os.environ, "QAI_HUB_API_TOKEN": secret})
        if not profile_path().exists():
            config.verbose = False  # as ClientConfig(token) is
    changed = copy.copy(config)
    changed.api_token = secret
    changed._origin = dataclasses.replace(changed._origin, token=None)
    return changed


def save_config(
    config: ClientConfig,
    profile: str | None = None,
    *,
    environ: Mapping[str, str] | None = None,
    home: Path | None = None,
) -> Path:
    """Writes a configuration to the file that `load_config` reads; only its owner can read it.

    The file is replaced atomically.

    Args:
        config: The configuration.
        profile: Name of the profile, or None for the default configuration.
        environ: Environment variables; None for those of the process.
        home: Folder that contains `.qai_hub`; None for the user's home folder.

    Returns:
        The path of the file.

    Raises:
        UserError: If the profile's name is invalid, or a value cannot be written.
        OSError: If the file cannot be written.

    Examples:
        >>> from qai_hub.config import save_config
        >>> path = save_config(local_hub.config(), "mine")
        >>> path.name
        'mine.ini'
    """
    path = profile_path(profile, environ=environ, home=home)
    write_values(path, _to_values(config))
    return path


def replace_config(config: ClientConfig, profile: str | None) -> tuple[Path, Path | None]:
    """Writes a configuration as `save_config` does, and keeps the one that it replaces.

    Args:
        config: The configuration.
        profile: Name of the profile, or None for the default configuration.

    Returns:
        The path of the file, and that of the backup; None if nothing was replaced.
    """
    path = profile_path(profile)
    return path, write_values(path, _to_values(config), back_up=True)


def _to_values(config: ClientConfig) -> dict[str, str]:
    values = {
        "api_token": require_token(config),
        "api_url": check_url("api_url", config.api_url),
        "web_url": check_url("web_url", config.web_url),
        "verbose": "true" if config.verbose else "false",
    }
    if config.default_project is not None:
        values["default_project"] = config.default_project
    if config.wire != "auto":
        values["wire"] = config.wire
    return values


def _explain_missing(path: Path, environ: Mapping[str, str] | None, home: Path | None) -> str:
    """Tells what to do if there is no configuration at a path."""
    profiles = best_first(find_profiles(environ=environ, home=home))
    named = environment_or_process(environ).get("QAIHUB_CLIENT_INI", "").strip()
    missing = f"{path}{', which QAIHUB_CLIENT_INI names,' if named else ''} does not exist."
    if not profiles:
        return f"{missing} {HOW_TO_CONFIGURE}"
    *others, last = [
        f"{profile.name!r} for {redact_url(profile.api_url or OFFICIAL_URL)}"
        for profile in profiles[:5]
    ]
    listing = f"{', '.join(others)} and {last}" if others else last
    plural = "s" if others else ""
    return (
        f"{missing} There {'are' if others else 'is'} the profile{plural} {listing}: choose "
        f"{'one' if others else 'it'} with {how_to_choose(profiles)}, or write the default "
        "configuration with `qai-hub configure --api_token TOKEN`."
    )


def _parse_bool(key: str, text: str) -> bool:
    if text.lower() in _TRUE:
        return True
    if text.lower() in _FALSE:
        return False
    raise UserError(f"{key} is {text!r}: it must be one of {', '.join(sorted(_TRUE | _FALSE))}.")


def _load_token(api_url: str, profile: str | None) -> tuple[str, Origin]:
    with contextlib.suppress(Error, OSError):
        config = load_config(profile)
        if config.api_url == api_url:
            return config.api_token, config._origin
    return "", Origin()
