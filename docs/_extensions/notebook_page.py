"""Shows a notebook on a page: its texts and its code.

Outputs are not shown, since notebooks are kept without them. That takes no Jupyter to build the
documentation: a notebook is JSON, and its texts are Markdown as the pages are.
"""

import json
from pathlib import Path
from typing import Any

from docutils import nodes
from docutils.statemachine import StringList
from sphinx.application import Sphinx
from sphinx.util.docutils import SphinxDirective


class NotebookDirective(SphinxDirective):
    """`notebook`: the path of a notebook, seen from the page. Its title is left out."""

    required_arguments = 1

    def run(self) -> list[nodes.Node]:
        """Makes the nodes."""
        source, _ = self.get_source_info()
        path = Path(source).parent / self.arguments[0]
        self.env.note_dependency(str(path))
        cells = json.loads(path.read_text("utf-8"))["cells"]
        lines = [line for cell in cells for line in [*_to_markdown(cell), ""]]
        shown = nodes.Element()
        self.state.nested_parse(StringList(lines, str(path)), 0, shown, match_titles=True)
        return list(shown.children)


def _to_markdown(cell: dict[str, Any]) -> list[str]:
    lines = "".join(cell["source"]).splitlines()
    if cell["cell_type"] == "code":
        return ["```python", *lines, "```"]
    # Its sections are one level below the heading above the directive.
    return [f"#{line}" if line.startswith("##") else line for line in lines if line[:2] != "# "]


def setup(app: Sphinx) -> dict[str, Any]:
    """Registers with Sphinx."""
    app.add_directive("notebook", NotebookDirective)
    return {"parallel_read_safe": True}
