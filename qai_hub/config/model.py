"""Texts that are not to be shown."""

import copy
import dataclasses
import ipaddress
import logging
import re
from typing import Any, Literal, get_args
from urllib.parse import urlsplit

from qai_hub.errors import Error, UserError, without_secrets

__all__ = ["Secret"]


class Secret(str):
    """A text that no repr shows, and so no traceback that tells the values of variables."""

    __slots__ = ()

    def __repr__(self) -> str:
        return "'***'"


OFFICIAL_URL = "https://workbench.aihub.qualcomm.com"
"""Address of the official service.

Examples:
    >>> from qai_hub.config import OFFICIAL_URL
    >>> hub.ClientConfig("TOKEN").api_url == OFFICIAL_URL
    True
"""

HOW_TO_CONFIGURE = (
    "Run `qai-hub configure --api_token TOKEN`, set QAI_HUB_API_TOKEN, or start a local hub with "
    "`qai-hub serve --profile local` and use the profile 'local'."
)

Wire = Literal["auto", "json", "protobuf"]
"""What a server speaks; `auto` tells by its address.

Examples:
    >>> config = hub.ClientConfig("TOKEN", "https://hub.example.com", wire="json")
"""

_logger = logging.getLogger("qai_hub")


@dataclasses.dataclass(repr=False)
class ClientConfig:
    """Which server a client speaks to, as whom, and how.

    The token appears in no repr and in no pickle: an unpickled configuration looks its token up
    again where `load_config` would find it, if that configuration names the same server.

    Args:
        api_token: Token of the account; empty for none.
        api_url: Address of the server, without the `/api/v1` of its endpoints.
        web_url: Address of the pages that jobs, models and datasets link to.
        verbose: Whether progress is shown on stderr.
        client_mode: Whether a program or the command line asks.
        default_project: ID of the project for what is created without naming one.
        wire: What the server speaks: `auto` tells by its address.

    Raises:
        UserError: If an address is no http or https URL with a host, or the token cannot stand in
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

    def __post_init__(self) -> None:
        self.api_token = check_token(self.api_token)
        self.api_url = check_url("api_url", self.api_url)
        self.web_url = check_url("web_url", self.web_url)
        if self.wire not in get_args(Wire):
            raise UserError(f"wire is {self.wire!r}: it must be {', '.join(get_args(Wire))}.")
        if not _is_private(self.api_url):
            _logger.warning(
                "%s is not encrypted: the token can be read on the way. Use https.", self.api_url
            )

    def __repr__(self) -> str:
        shown = {
            field.name: getattr(self, field.name)
            for field in dataclasses.fields(self)
            if field.init
        }
        shown["api_token"] = "***" if self.api_token else ""
        return f"ClientConfig({', '.join(f'{name}={value!r}' for name, value in shown.items())})"

    def __copy__(self) -> "ClientConfig":
        twin = object.__new__(type(self))
        vars(twin).update(vars(self))
        return twin

    def __deepcopy__(self, memo: dict[int, Any]) -> "ClientConfig":
        return copy.copy(self)

    def __getstate__(self) -> dict[str, Any]:
        return {name: value for name, value in vars(self).items() if name != "api_token"}

    def __setstate__(self, state: dict[str, Any]) -> None:
        vars(self).update(state)
        self.api_token = _token_for(self.api_url, self._profile)


def require_token(config: ClientConfig) -> str:
    """Gives the token of a configuration that is about to be used.

    Args:
        config: The configuration.

    Returns:
        The token.

    Raises:
        UserError: If there is none, or it cannot stand in a header.

    Examples:
        >>> from qai_hub.config import require_token
        >>> require_token(hub.ClientConfig(" TOKEN ")) == "TOKEN"
        True
    """
    if not config.api_token:
        raise UserError(f"api_token is missing. {HOW_TO_CONFIGURE}")
    return check_token(config.api_token)


def check_token(token: str) -> str:
    """Trims a token and refuses one that cannot stand in a header; never prints it."""
    if not isinstance(token, str):
        raise UserError(f"api_token must be text, not {type(token).__name__}.")
    token = token.strip()
    if not re.fullmatch(r"[!-~]*", token):
        raise UserError("api_token has characters that no token has: copy it again, alone.")
    return Secret(token)


def check_url(key: str, url: str) -> str:
    """Trims an address and refuses one that no request could be sent to.

    Args:
        key: What it is called in the configuration.
        url: The address.

    Returns:
        The address without a slash at its end.

    Raises:
        UserError: If it is no http or https URL with a host, or holds more than an address.
    """
    wrong = f"{key} must be an address like https://host or http://127.0.0.1:8642"
    if not isinstance(url, str):
        raise UserError(f"{wrong}, not {type(url).__name__}.")
    trimmed = url.strip().rstrip("/")
    try:
        parts = urlsplit(trimmed)
        fits = parts.scheme in {"http", "https"} and bool(parts.hostname) and parts.port != 0
    except ValueError:
        fits = False
    if not fits or re.search(r"[\s\x00-\x1f\x7f\\]", trimmed):
        raise UserError(f"{wrong}, not {without_secrets(trimmed)!r}.")
    if parts.username is not None or parts.query or parts.fragment:
        raise UserError(f"{wrong}, without user name, password, query or fragment.")
    return trimmed


def _is_private(url: str) -> bool:
    parts = urlsplit(url)
    host = parts.hostname or ""
    try:
        loopback = ipaddress.ip_address(host).is_loopback
    except ValueError:
        loopback = host == "localhost" or host.endswith(".localhost")
    return loopback or parts.scheme == "https"


def _token_for(api_url: str, profile: str | None) -> str:
    from qai_hub.config.files import load_config

    try:
        config = load_config(profile)
    except (Error, OSError):
        return ""
    return config.api_token if config.api_url == api_url else ""
