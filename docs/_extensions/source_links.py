"""Links to edit pages, in a checkout that knows where its repository is."""

import os
import tomllib
from pathlib import Path

from sphinx.application import Sphinx
from sphinx.config import Config

VARIABLE = "DOCS_REPOSITORY"
"""Names the repository: its address, or that of a page's source, with `{filename}` in it.

If it is not set, `Source` or `Repository` of `[project.urls]` does; if it is empty, nothing does.
"""

BRANCH_VARIABLE = "DOCS_BRANCH"

# The hosts whose addresses of sources the theme knows.
_HOSTS = ("https://github.com/", "https://gitlab.com/", "https://bitbucket.org/")
_LABELS = ("source", "repository")


def _add_links(app: Sphinx, config: Config) -> None:
    """Sets the theme's options for the links, if there is an address.

    Raises:
        ValueError: If the theme does not know how the address leads to the sources of pages.
    """
    address = os.environ.get(VARIABLE)
    if address is None:
        address = _read_address(Path(app.confdir).parent / "pyproject.toml")
    if not address:
        return
    config.html_theme_options["top_of_page_buttons"] = ["edit"]
    if "{filename}" in address:
        config.html_theme_options["source_edit_link"] = address
        return
    if not address.startswith(_HOSTS):
        raise ValueError(
            f"How {address} leads to the source of a page is not known: set {VARIABLE} to an "
            "address with {filename} in it, or to nothing for pages without such links."
        )
    config.html_theme_options |= {
        "source_repository": address.removesuffix(".git"),
        "source_branch": os.environ.get(BRANCH_VARIABLE, "main"),
        "source_directory": Path(app.confdir).name,
    }


def _read_address(pyproject: Path) -> str:
    project = tomllib.loads(pyproject.read_text("utf-8"))["project"]
    urls: dict[str, str] = {key.lower(): url for key, url in project.get("urls", {}).items()}
    return next((urls[label] for label in _LABELS if label in urls), "")


def setup(app: Sphinx) -> dict[str, bool]:
    """Adds the links."""
    app.connect("config-inited", _add_links)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
