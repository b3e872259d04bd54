"""Netron's files, if it is installed: it draws the graphs of models."""

import re
from importlib.resources import files
from importlib.util import find_spec
from pathlib import Path
from typing import Final

from qai_hub.local.pages.frames import FrameFiles

_NAME: Final = re.compile(r"[A-Za-z0-9_-]+\.(?:css|html|ico|js|json|png)")
# Netron has no such file.
_OWN_SCRIPT: Final = "graph-frame.js"
_PROGRAM: Final = '<script type="text/javascript" src="index.js"></script>'


class Netron:
    """Netron, as it is installed beside the hub.

    Attributes:
        files: Serves its files to a frame.
    """

    def __init__(self) -> None:
        found = find_spec("netron")
        places = found.submodule_search_locations if found else None
        self._folder = Path(places[0]) if places else None
        self._own_script = files("qai_hub.local.pages") / "static" / _OWN_SCRIPT
        self.files = FrameFiles(self._read_page, self._read_file)

    @property
    def is_installed(self) -> bool:
        """Whether there is something to serve."""
        return self._folder is not None

    def _read_page(self) -> str | None:
        content = self._read_file("index.html")
        if content is None:
            return None
        program = f'<script type="module" src="{_OWN_SCRIPT}"></script>'
        return content.decode().replace(_PROGRAM, program, 1)

    def _read_file(self, name: str) -> bytes | None:
        if self._folder is None or not _NAME.fullmatch(name):
            return None
        path = self._own_script if name == _OWN_SCRIPT else self._folder / name
        return path.read_bytes() if path.is_file() else None
