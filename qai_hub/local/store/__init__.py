"""The database of a hub: SQLite in its data folder, or PostgreSQL for several processes."""

from qai_hub.local.store.data_folder import DataFolderError
from qai_hub.local.store.database import DatabaseError, Store

__all__ = ["DataFolderError", "DatabaseError", "Store"]
