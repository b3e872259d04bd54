"""Puts openapi.yaml where the page of the contract finds it."""

import json
from pathlib import Path
from typing import Any

import yaml
from sphinx.application import Sphinx

CONTRACT = Path(__file__).parents[2] / "openapi.yaml"


def write_contract(app: Sphinx, error: Exception | None) -> None:
    """Writes the contract as a script: a page that is opened as a file can load nothing else."""
    if error is None and app.builder.name == "html":
        document = yaml.safe_load(CONTRACT.read_text(encoding="utf-8"))
        folder = app.outdir / "contract"
        folder.mkdir(exist_ok=True)
        text = json.dumps(document, separators=(",", ":"))
        (folder / "openapi.js").write_text(f"const contract = {text};\n", encoding="utf-8")


def setup(app: Sphinx) -> dict[str, Any]:
    """Registers with Sphinx."""
    app.connect("build-finished", write_contract)
    return {"parallel_read_safe": True}
