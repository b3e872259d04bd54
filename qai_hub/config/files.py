"""Where configurations are kept: INI files, overridden by the environment."""

import configparser
import copy
import os
import tempfile
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import cast

from qai_hub.config.model import (
    HOW_TO_CONFIGURE,
    OFFICIAL_URL,
    ClientConfig,
    Wire,
    check_token,
    check_url,
    require_token,
)
from qai_hub.errors import UserError
from qai_hub.forking import hold_forks

_TRUE = frozenset({"true", "yes", "on", "1", "t", "y"})
_FALSE = frozenset({"false", "no", "off", "0", "f", "n"})


def load_config(
    profile: str | None = None,
    *,
    environ: Mapping[str, str] | None = None,
    home: Path | None = None,
) -> ClientConfig:
    """Reads the configuration; `qai_hub.config` tells which one wins.

    Args:
        profile: Name of the profile, or None for the default configuration.
        environ: Environment variables; those of the process where None.
        home: Folder that holds `.qai_hub`; the user's home folder where None.

    Returns:
        The configuration.

    Raises:
        FileNotFoundError: If the profile has no file.
        UserError: If there is no configuration, or it is wrong.

    Examples:
        >>> from qai_hub.config import load_config
        >>> load_config("local").api_url == local_hub.url
        True
    """
    path = profile_path(profile, environ=environ, home=home)
    variables = _variables(environ) if profile is None else {}
    token = variables.get("QAI_HUB_API_TOKEN", "").strip()
    url = variables.get("QAI_HUB_API_URL", "").strip()
    sources = ["QAI_HUB_API_TOKEN"] * bool(token) + ["QAI_HUB_API_URL"] * bool(url)
    try:
        values = _read(path)
        sources.append(f"{path}, section [api]")
    except FileNotFoundError:
        if profile is not None:
            raise FileNotFoundError(_absent_profile(profile, path)) from None
        if not token:
            raise UserError(f"{path} does not exist. {HOW_TO_CONFIGURE}") from None
        values = {}
    api_url = url or values.get("api_url") or OFFICIAL_URL
    try:
        config = ClientConfig(
            api_token=token or values.get("api_token", ""),
            api_url=api_url,
            web_url=url or values.get("web_url") or api_url,
            verbose=_boolean("verbose", values.get("verbose", "true")),
            default_project=values.get("default_project") or None,
            wire=cast(Wire, values.get("wire") or "auto"),
        )
        require_token(config)
    except UserError as error:
        raise UserError(f"{' and '.join(sources)}: {error}") from None
    config._profile = profile
    return config


def with_token(config: ClientConfig | None, token: str) -> ClientConfig:
    """Gives a configuration with another token; it needs no file, and no token before.

    Args:
        config: The configuration; None for the one that `load_config` reads.
        token: The token.

    Returns:
        The configuration, of the official service where nothing names another one.

    Raises:
        UserError: If the token is none, or there is a configuration that is not valid.
    """
    secret = check_token(token)
    if config is None:
        # In place of the one that the environment or the file may lack.
        config = load_config(environ={**os.environ, "QAI_HUB_API_TOKEN": secret})
        if not profile_path().exists():
            config.verbose = False  # as ClientConfig(token) is
    changed = copy.copy(config)
    changed.api_token = secret
    return changed


def save_config(
    config: ClientConfig,
    profile: str | None = None,
    *,
    environ: Mapping[str, str] | None = None,
    home: Path | None = None,
) -> Path:
    """Writes a configuration to where `load_config` reads it, readable by the owner alone.

    The file is replaced as a whole: it is the old one or the new one at any time.

    Args:
        config: What to write.
        profile: Name of the profile, or None for the default configuration.
        environ: Environment variables; those of the process where None.
        home: Folder that holds `.qai_hub`; the user's home folder where None.

    Returns:
        The file.

    Raises:
        UserError: If the profile's name or a value cannot be written.
        OSError: If the file cannot be written.

    Examples:
        >>> from qai_hub.config import save_config
        >>> path = save_config(local_hub.config(), "mine")
        >>> path.name
        'mine.ini'
    """
    path = profile_path(profile, environ=environ, home=home)
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
    for key, value in values.items():
        if not value.isprintable() or value != value.strip():
            raise UserError(f"{key} cannot be saved: it has control characters or outer spaces.")
    parser = configparser.ConfigParser(interpolation=None)
    parser["api"] = values
    if not path.parent.exists():
        path.parent.mkdir(parents=True)
        path.parent.chmod(0o700)
    target = path.resolve()
    with hold_forks():
        descriptor, temporary = tempfile.mkstemp(prefix=f"{target.name[:100]}.", dir=target.parent)
    try:
        with os.fdopen(descriptor, "w", encoding="utf-8") as file:
            Path(temporary).chmod(0o600)
            parser.write(file)
        Path(temporary).replace(target)
    except BaseException:
        Path(temporary).unlink(missing_ok=True)
        raise
    return path


def profile_path(
    profile: str | None = None,
    *,
    environ: Mapping[str, str] | None = None,
    home: Path | None = None,
) -> Path:
    """Tells which file holds a configuration, whether it is there or not.

    Args:
        profile: Name of the profile, or None for the default configuration.
        environ: Environment variables; those of the process where None.
        home: Folder that holds `.qai_hub`; the user's home folder where None.

    Returns:
        The file.

    Raises:
        UserError: If the name could lead out of the folder of profiles.

    Examples:
        >>> from qai_hub.config import profile_path
        >>> profile_path("local").name
        'local.ini'
    """
    folder = (home or Path(os.path.expanduser("~"))) / ".qai_hub"  # noqa: PTH111 - never raises
    if profile is not None:
        if (
            not isinstance(profile, str)
            or not profile.isprintable()
            or not profile.strip(" .")
            or set(profile) & set("/\\:")
        ):
            raise UserError(
                f"{profile!r} is no name for a profile: use letters, digits, '-', '_' and '.'."
            )
        return folder / f"{profile}.ini"
    named = _variables(environ).get("QAIHUB_CLIENT_INI", "").strip()
    return Path(os.path.expanduser(named)) if named else folder / "client.ini"  # noqa: PTH111


def _variables(environ: Mapping[str, str] | None) -> Mapping[str, str]:
    # Not as a default of the parameter: help() prints defaults, and a token may be among them.
    return os.environ if environ is None else environ


def _read(path: Path) -> dict[str, str]:
    parser = configparser.ConfigParser(interpolation=None)
    try:
        parser.read_string(path.read_text("utf-8-sig"), str(path))
    except FileNotFoundError:
        raise
    except (OSError, ValueError) as error:
        reason = error.strerror if isinstance(error, OSError) else "it is not UTF-8 text"
        raise UserError(f"{path} cannot be read: {reason}.") from None
    except configparser.Error as error:
        raise UserError(
            f"{path} is no INI file: {type(error).__name__}{_line(error)}. It must have a section "
            "[api] with lines like `api_token = TOKEN`."
        ) from None
    if not parser.has_section("api"):
        found = _listed(parser.sections()) or "none"
        raise UserError(f"{path}: section [api] is missing; sections found: {found}.")
    return dict(parser["api"])


def _line(error: configparser.Error) -> str:
    faults = getattr(error, "errors", ())
    number = faults[0][0] if faults else getattr(error, "lineno", None)
    return "" if number is None else f" in line {number}"


def _boolean(key: str, text: str) -> bool:
    if text.lower() in _TRUE:
        return True
    if text.lower() in _FALSE:
        return False
    raise UserError(f"{key} is {text!r}: it must be one of {_listed(sorted(_TRUE | _FALSE))}.")


def _absent_profile(profile: str, path: Path) -> str:
    known = sorted(file.stem for file in path.parent.glob("*.ini"))
    return (
        f"There is no profile {profile!r}: {path} does not exist. Profiles found: "
        f"{_listed(known) or 'none'}. Make it with "
        f"`qai-hub --profile {profile} configure --api_token TOKEN`."
    )


def _listed(names: Iterable[str]) -> str:
    return ", ".join(names)
