"""The hub's memory: one SQLite database in its data folder."""

from qai_hub.local.store.data_folder import DataFolderError
from qai_hub.local.store.database import Store

__all__ = ["DataFolderError", "Store"]
