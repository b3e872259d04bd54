"""The database of a hub: SQLite in its data folder, in statements that PostgreSQL supports."""

from qai_hub.local.store.data_folder import DataFolderError
from qai_hub.local.store.database import Store

__all__ = ["DataFolderError", "Store"]
