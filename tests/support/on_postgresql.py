"""Lets all hubs of the tests keep their database in PostgreSQL, each in one of its own."""

import dataclasses
import tempfile
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any
from unittest.mock import patch

from support.postgresql_server import PostgresqlServer, running_server

from qai_hub.local.config import HubConfig
from qai_hub.local.core import parts
from qai_hub.local.store.postgresql import PostgresqlStore


@contextmanager
def hubs_on_postgresql() -> Iterator[None]:
    """Run a server, and have each hub that names no database use one on it.

    Hubs that start in the same data folder, one after the other, use the same database.
    """
    with running_server() as server:
        databases = _Databases(server)
        original = parts.open_parts

        def open_parts(config: HubConfig, clock: Any, role: str, stack: ExitStack) -> parts.Parts:
            return original(databases.configure(config, stack), clock, role, stack)

        with patch("qai_hub.local.server.app.open_parts", open_parts):
            yield


class _Databases:
    def __init__(self, server: PostgresqlServer) -> None:
        self._server = server
        self._template = server.create_database()
        PostgresqlStore(self._template).close()
        self._by_folder: dict[Path, str] = {}

    def configure(self, config: HubConfig, stack: ExitStack) -> HubConfig:
        if config.database is not None:
            return config
        folder = config.data_dir
        if folder is None:
            folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="qai-hub-")))
        if folder not in self._by_folder:
            self._by_folder[folder] = self._server.create_database(self._template)
        return dataclasses.replace(config, database=self._by_folder[folder], data_dir=folder)
