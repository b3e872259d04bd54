"""The hub's memory: one SQLite database in its data folder."""

from qai_hub.local.store.database import Store
from qai_hub.local.store.folder import DataFolderError

__all__ = ["DataFolderError", "Store"]
