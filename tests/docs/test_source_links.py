"""Links from pages to their source, for copies of the repository that have an address."""

import io
import os
import runpy
import sys
from pathlib import Path

import pytest
from sphinx.application import Sphinx
from sphinx.errors import ExtensionError
from sphinx.util.docutils import docutils_namespace, patch_docutils
from support.page_blocks import ROOT

GITHUB = "https://github.com/you/qai-hub-openapi"


def build_page(environ: dict[str, str], urls: dict[str, str], folder: Path) -> tuple[str, str]:
    """Builds a page in a copy with these addresses, as strictly as `make docs`.

    It is built in this process: starting Sphinx takes far longer than a page.

    Returns:
        The page, empty if it could not be built; and what was reported.
    """
    lines = "".join(f'{label} = "{url}"\n' for label, url in urls.items())
    (folder / "pyproject.toml").write_text(f'[project]\nname = "x"\n[project.urls]\n{lines}')
    docs, page = folder / "docs", folder / "built/index.html"
    docs.mkdir()
    (docs / "conf.py").write_text(
        'extensions = ["myst_parser", "source_links"]\nhtml_theme = "furo"\n'
        'html_theme_options = {"top_of_page_buttons": []}\n'
    )
    (docs / "index.md").write_text("# A page\n")
    reported = io.StringIO()
    with pytest.MonkeyPatch.context() as patch, patch_docutils(docs), docutils_namespace():
        patch.syspath_prepend(ROOT / "docs/_extensions")
        for name in [name for name in os.environ if name.startswith("DOCS_")]:
            patch.delenv(name)
        for name, value in environ.items():
            patch.setenv(name, value)
        try:
            Sphinx(docs, docs, page.parent, folder, "html", status=None, warning=reported).build()
        except ExtensionError as error:
            return "", str(error)
    return ("" if reported.getvalue() else page.read_text("utf-8"), reported.getvalue())


@pytest.mark.parametrize(
    ("environ", "urls", "link"),
    [
        ({"DOCS_REPOSITORY": GITHUB}, {}, f"{GITHUB}/edit/main/docs/index.md"),
        (
            {"DOCS_REPOSITORY": f"{GITHUB}.git", "DOCS_BRANCH": "trunk"},
            {"Source": "https://gitlab.com/another/one"},
            f"{GITHUB}/edit/trunk/docs/index.md",
        ),
        (
            {},
            {"Homepage": "https://example.com", "Repository": "https://gitlab.com/you/it"},
            "https://gitlab.com/you/it/-/edit/main/docs/index.md",
        ),
        (
            {"DOCS_REPOSITORY": "https://git.example.com/it/src/{filename}"},
            {},
            "https://git.example.com/it/src/index.md",
        ),
        ({}, {}, None),
        ({"DOCS_REPOSITORY": ""}, {"Source": GITHUB}, None),
    ],
)
def test_where_a_page_can_be_edited(
    environ: dict[str, str], urls: dict[str, str], link: str | None, tmp_path: Path
) -> None:
    page, reported = build_page(environ, urls, tmp_path)
    assert "A page" in page, reported
    assert ("Edit this page" in page) == (link is not None)
    assert link is None or f'href="{link}"' in page


def test_an_address_that_the_theme_does_not_know(tmp_path: Path) -> None:
    page, reported = build_page({"DOCS_REPOSITORY": "https://git.example.com/it"}, {}, tmp_path)
    assert page == ""
    assert "set DOCS_REPOSITORY to an address with {filename} in it" in reported


def test_the_documentation_has_the_links(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "path", [*sys.path])
    assert "source_links" in runpy.run_path(str(ROOT / "docs/conf.py"))["extensions"]
