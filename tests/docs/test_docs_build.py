"""The documentation as `make docs` builds it: complete, without warnings, and on its own."""

import hashlib
import html
import json
import re
import subprocess
import sys
from html.parser import HTMLParser
from importlib import import_module
from pathlib import Path
from urllib.parse import urlsplit

import pytest
import yaml
from sphinx.util.inventory import InventoryFile

from qai_hub import __version__

ROOT = Path(__file__).parents[2]
REDOC = ROOT / "docs/_redoc"
# What a browser fetches by itself when it shows a page.
FETCHED = {"script": "src", "img": "src", "iframe": "src", "source": "src", "link": "href"}


@pytest.fixture(scope="session")
def site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("site")
    options = ["--builder", "html", "--fail-on-warning", "--keep-going", "--quiet"]
    command = [sys.executable, "-m", "sphinx", *options, str(ROOT / "docs"), str(folder)]
    built = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert (built.returncode, built.stderr) == (0, "")
    return folder


@pytest.fixture(scope="session")
def inventory(site: Path) -> set[str]:
    """Names of everything that the reference describes."""
    found = InventoryFile.loads((site / "objects.inv").read_bytes(), uri="")
    return {name for kind, names in found.data.items() if kind.startswith("py:") for name in names}


@pytest.mark.parametrize("home", ["qai_hub", "qai_hub.aio", "qai_hub.local"])
def test_reference_has_every_public_name(inventory: set[str], home: str) -> None:
    names = {f"{home}.{name}" for name in import_module(home).__all__}
    assert names
    assert names <= inventory


@pytest.mark.parametrize("home", ["qai_hub.client", "qai_hub.config"])
def test_reference_has_names_at_one_of_their_homes(inventory: set[str], home: str) -> None:
    names = import_module(home).__all__
    assert [n for n in names if not {f"{home}.{n}", f"qai_hub.{n}"} & inventory] == []


def test_reference_has_the_members_of_classes(inventory: set[str]) -> None:
    assert {
        "qai_hub.Client.submit_compile_job",
        "qai_hub.Job.wait",
        "qai_hub.Model.modify_sharing",
        "qai_hub.JobStatus.State.FAILED",
        "qai_hub.LinkJob.download_target_model",
        "qai_hub.local.LocalHub.client",
    } <= inventory


def test_nothing_is_fetched_from_elsewhere(site: Path) -> None:
    pages = {page: fetched(page) for page in site.rglob("*.html")}
    assert len(pages) > 20
    assert all(pages.values())
    foreign = [
        (page.name, address)
        for page, addresses in pages.items()
        for address in addresses
        if urlsplit(address).scheme not in {"", "data"} or urlsplit(address).netloc
    ]
    assert foreign == []
    styles = [style.read_text("utf-8") for style in site.rglob("*.css")]
    assert [style for style in styles if re.search(r"@import|url\(['\"]?(https?:)?//", style)] == []


def test_pages_show_the_release_and_their_code_can_be_copied(site: Path) -> None:
    page = (site / "getting-started.html").read_text("utf-8")
    assert f"qai-hub-openapi {__version__}" in page
    assert (site / "_static/copybutton.js").exists()
    assert "_static/copybutton.js" in page


def test_page_of_the_contract_shows_the_contract(site: Path) -> None:
    script = (site / "contract/openapi.js").read_text("utf-8")
    shown = json.loads(script.removeprefix("const contract = ").removesuffix(";\n"))
    assert shown == yaml.safe_load((ROOT / "openapi.yaml").read_text("utf-8"))


def test_page_of_notebooks_shows_the_notebook(site: Path) -> None:
    page = (site / "notebooks.html").read_text("utf-8")
    shown = html.unescape(re.sub(r"<[^>]+>", "", page))
    cells = json.loads((ROOT / "examples/tutorial.ipynb").read_text("utf-8"))["cells"]
    code = ["".join(cell["source"]) for cell in cells if cell["cell_type"] == "code"]
    assert code
    assert [source for source in code if source not in shown] == []
    assert '<section id="quantize">\n<h3>' in page


def test_page_of_the_contract_forbids_to_fetch_from_elsewhere() -> None:
    page = (REDOC / "contract/index.html").read_text("utf-8")
    (policy,) = re.findall(r'"Content-Security-Policy"\s+content="([^"]+)"', page)
    assert policy.startswith("default-src 'none';")
    assert "//" not in policy
    assert "*" not in policy


def test_vendored_script_is_the_one_that_is_written_down() -> None:
    (line,) = [line for line in (REDOC / "README.md").read_text().splitlines() if ".js`" in line]
    name, _, checksum = re.findall(r"`([^`]+)`", line)
    assert hashlib.sha256((REDOC / name).read_bytes()).hexdigest() == checksum


@pytest.mark.parametrize("page", ["README.md", "CONTRIBUTING.md", "docs/index.md"])
def test_links_of_pages_outside_of_the_site_lead_somewhere(page: str) -> None:
    path = ROOT / page
    links = re.findall(r"\]\(([^)#]+)[^)]*\)", path.read_text("utf-8"))
    local = [link for link in links if not urlsplit(link).scheme]
    assert [link for link in local if not (path.parent / link).exists()] == []


def fetched(page: Path) -> list[str]:
    addresses: list[str] = []

    class Reader(HTMLParser):
        def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
            given = dict(attrs)
            if FETCHED.get(tag) in given:
                addresses.append(given[FETCHED[tag]] or "")

    Reader().feed(page.read_text("utf-8"))
    return addresses
