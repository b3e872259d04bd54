"""The configuration of the client: its server, its token and its defaults.

A configuration is an INI file with one section:

    [api]
    api_token = ...
    api_url = https://...
    web_url = https://...
    verbose = true
    default_project = ...
    wire = auto

Only `api_token` is required. The default of `api_url` is the official service, that of `web_url` is
`api_url`, and that of `verbose` is true.

The first of these sources that applies is used:

1. A profile that the caller names: `~/.qai_hub/PROFILE.ini`, and nothing else. The environment does
   not change it, so that a token exported for one server never reaches another.
2. `QAI_HUB_API_TOKEN` and `QAI_HUB_API_URL`, each of which overrides the value of the file. A token
   given this way needs no file, and a URL given this way is also the `web_url`.
3. The file that `QAIHUB_CLIENT_INI` names.
4. `~/.qai_hub/client.ini`.
"""

from qai_hub.config.files import profile_path
from qai_hub.config.model import (
    OFFICIAL_URL,
    ClientConfig,
    Wire,
    load_config,
    require_token,
    save_config,
)

__all__ = [
    "OFFICIAL_URL",
    "ClientConfig",
    "Wire",
    "load_config",
    "profile_path",
    "require_token",
    "save_config",
]
