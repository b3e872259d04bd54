"""The hub's memory: one SQLite database in its data folder."""

from qai_hub.local.store.database import DataFolderError, Store

__all__ = ["DataFolderError", "Store"]
