"""Reads docstrings as they are written here: plain backticks, and types only in signatures."""

import re
from typing import Any

from docutils import nodes
from sphinx import addnodes
from sphinx.application import Sphinx
from sphinx.domains.python import PyClasslike
from sphinx.ext.napoleon.docstring import GoogleDocstring
from sphinx.util.docutils import SphinxRole
from sphinx.util.typing import stringify_annotation

from qai_hub.client.combined import EmbeddedJobs, LinkedJobs, ProfiledJobs

_NAME = re.compile(r"[A-Za-z_][A-Za-z_0-9.]*(\(\))?")


class CodeOrName(SphinxRole):
    """Backticks: a link where they hold a name of the reference, and code anyway."""

    def run(self) -> tuple[list[nodes.Node], list[nodes.system_message]]:
        """Makes the node."""
        code = nodes.literal(self.text, self.text)
        if not _NAME.fullmatch(self.text):
            return [code], []
        target = self.text.removesuffix("()").removeprefix("hub.")
        link = addnodes.pending_xref("", code, refdomain="py", reftype="obj", reftarget=target)
        link["refdoc"] = self.env.current_document.docname
        link["py:module"] = self.env.ref_context.get("py:module")
        link["py:class"] = self.env.ref_context.get("py:class")
        return [link], []


def keep_prose(
    app: Sphinx, what: str, name: str, obj: object, options: object, lines: list[str]
) -> None:
    """Keeps napoleon from taking what stands before a colon for a type."""
    if "Returns:" in lines:
        header = lines.index("Returns:")
        lines[header : header + 2] = [f":returns: {lines[header + 1].strip()}"]
    if what == "property":
        # Napoleon reads them as attributes, which begin with a type in their first line.
        read = GoogleDocstring(lines, app.config, app, "method", name, obj)
        lines[:] = ["", *read.lines()]


def expand_aliases(
    app: Sphinx, what: str, name: str, obj: object, options: object, arguments: str, result: str
) -> tuple[str, str]:
    """Writes out the names that results of several jobs have inside the package."""
    aliases = {
        "ProfiledJobs": ProfiledJobs,
        "LinkedJobs": LinkedJobs,
        "EmbeddedJobs": EmbeddedJobs,
    }
    for alias, meant in aliases.items():
        written_out = stringify_annotation(meant, "smart")
        result = re.sub(rf"\b{alias}\b", written_out, result or "")
    return arguments, result


def setup(app: Sphinx) -> dict[str, Any]:
    """Registers with Sphinx; sees docstrings before napoleon does."""
    (attributes,) = (field for field in PyClasslike.doc_field_types if field.name == "variable")
    attributes.label = "Attributes"
    app.add_role("code_or_name", CodeOrName())
    app.connect("autodoc-process-docstring", keep_prose, priority=400)
    app.connect("autodoc-process-signature", expand_aliases)
    return {"parallel_read_safe": True}
