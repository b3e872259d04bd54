"""Which functions, methods and properties of a package the scripts in a folder call."""

import inspect
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from types import FrameType, FunctionType, ModuleType
from typing import Any


class NamesUsed:
    """Notes calls while it watches.

    A method counts for the class of the object that it is called on, and for each class that this
    one inherits from. What the package's functions call on behalf of a script counts, too.

    Args:
        functions: The module that holds the package's functions, which call methods.
        folder: Folder of the scripts.
    """

    def __init__(self, functions: ModuleType, folder: Path) -> None:
        self.names: set[str] = set()
        self._callers = (str(folder), str(functions.__file__))

    @contextmanager
    def watching(self) -> Iterator[None]:
        """Notes what is called in this context, by this thread."""
        sys.setprofile(self._on_event)
        try:
            yield
        finally:
            sys.setprofile(None)

    def _on_event(self, frame: FrameType, event: str, _: Any) -> None:
        if event != "call":
            return
        code, caller = frame.f_code, frame.f_back
        # Values call their own __eq__ and __repr__ by way of the standard library.
        asked = caller is not None and caller.f_code.co_filename.startswith(self._callers)
        if not asked and not code.co_name.startswith("__"):
            return
        if "self" not in frame.f_locals:
            self.names.add(code.co_qualname)
            return
        kind = type(frame.f_locals["self"])
        if _code(inspect.getattr_static(kind, code.co_name, None)) is code:
            self.names.update(f"{each.__name__}.{code.co_name}" for each in kind.__mro__)


def _code(value: Any) -> Any:
    function = value.fget if isinstance(value, property) else value
    bare = inspect.unwrap(function) if isinstance(function, FunctionType) else None
    return getattr(bare, "__code__", None)
