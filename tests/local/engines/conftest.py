"""Engines in a folder of their own."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from support.tiny_engines import TinyEngines, tiny_engines


@pytest.fixture
def engines(tmp_path: Path) -> Iterator[TinyEngines]:
    with tiny_engines(tmp_path) as made:
        yield made
