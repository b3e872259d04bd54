"""A hub on this machine: a server of the contract whose jobs really run, offline."""

from typing import TYPE_CHECKING

from qai_hub.local.quarantine import Quarantined

if TYPE_CHECKING:
    from qai_hub.local.hub import LocalHub as LocalHub
else:

    def __getattr__(name: str) -> object:
        # The hub pulls in the web server and the database: only whoever starts one pays for them.
        if name == "LocalHub":
            try:
                from qai_hub.local.hub import LocalHub
            except ModuleNotFoundError as error:
                raise ModuleNotFoundError(
                    f"The local hub needs {error.name}: pip install 'qai-hub-openapi[local]'",
                    name=error.name,
                ) from error
            return LocalHub
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


__all__ = ["LocalHub", "Quarantined"]
