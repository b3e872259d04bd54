"""The local hub: a server of the contract that runs jobs on this machine, offline."""

from typing import TYPE_CHECKING

from qai_hub.local.files.quarantine import Quarantined

if TYPE_CHECKING:
    from qai_hub.local.core.accounts import HubUser as HubUser
    from qai_hub.local.hub import LocalHub as LocalHub
else:
    # The hub imports the web server and the database, so it is loaded only when one is started.
    _HOMES = {"HubUser": "qai_hub.local.core.accounts", "LocalHub": "qai_hub.local.hub"}

    def __getattr__(name: str) -> object:
        if name not in _HOMES:
            raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
        from importlib import import_module

        try:
            return getattr(import_module(_HOMES[name]), name)
        except ModuleNotFoundError as error:
            raise ModuleNotFoundError(
                f"The local hub needs {error.name}: pip install 'qai-hub-openapi[local]'",
                name=error.name,
            ) from error


__all__ = ["HubUser", "LocalHub", "Quarantined"]
