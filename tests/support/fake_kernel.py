"""Stands in for a kernel of IPython, which is too large to install: it keeps what is displayed."""

import io
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from types import ModuleType

import pytest


class Element:
    """One element of a cell's output, with all that it has shown."""

    def __init__(self, bundle: dict[str, str]) -> None:
        self.html = [bundle["text/html"]]
        self.text = [bundle["text/plain"]]

    def update(self, bundle: dict[str, str], *, raw: bool) -> None:
        assert raw
        self.html.append(bundle["text/html"])
        self.text.append(bundle["text/plain"])


class ZMQInteractiveShell:
    """The shell of a kernel, by its name."""


@contextmanager
def fake_kernel() -> Iterator[list[Element]]:
    """Makes this process look like a kernel, and yields the elements that it displays."""
    elements: list[Element] = []

    def display(bundle: dict[str, str], *, raw: bool, display_id: bool) -> Element:
        assert raw
        assert display_id
        elements.append(Element(bundle))
        return elements[-1]

    ipython, module = ModuleType("IPython"), ModuleType("IPython.display")
    vars(ipython).update(get_ipython=ZMQInteractiveShell, display=module)
    vars(module)["display"] = display
    stream = type("OutStream", (io.StringIO,), {"__module__": "ipykernel.iostream"})
    with pytest.MonkeyPatch.context() as patch:
        patch.setitem(sys.modules, "IPython", ipython)
        patch.setitem(sys.modules, "IPython.display", module)
        patch.setattr("sys.stderr", stream())
        yield elements
        assert isinstance(sys.stderr, io.StringIO)
        assert sys.stderr.getvalue() == ""
