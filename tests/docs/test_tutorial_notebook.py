"""The tutorial notebook: it runs, and what its cells end with is shown as HTML."""

import os
from pathlib import Path

import nbformat
import pytest
from nbclient import NotebookClient
from support.html_tags import assert_harmless

NOTEBOOK = Path(__file__).parents[2] / "examples" / "tutorial.ipynb"


@pytest.fixture(scope="module")
def kept() -> nbformat.NotebookNode:
    """The notebook as it is in the repository."""
    notebook: nbformat.NotebookNode = nbformat.read(NOTEBOOK, as_version=4)
    return notebook


@pytest.fixture(scope="module")
def pages(kept: nbformat.NotebookNode, tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    """What the cells show when they are run: HTML, or else text, by the cells' last lines."""
    folder = tmp_path_factory.mktemp("tutorial")
    run = nbformat.from_dict(kept)
    # Somebody's own settings of Jupyter, IPython and the hub must make no difference.
    environment = {name: value for name, value in os.environ.items() if "QAI" not in name}
    NotebookClient(
        run, timeout=200, kernel_name="python3", resources={"metadata": {"path": str(folder)}}
    ).execute(env={**environment, "HOME": str(folder), "IPYTHONDIR": str(folder)})
    shown = {}
    for cell in run.cells:
        if cell.cell_type == "code":
            last = cell.source.rstrip().rpartition("\n")[2]
            data = [each.get("data") or {"text/plain": each.text} for each in cell.outputs]
            shown[last] = "".join(each.get("text/html", each["text/plain"]) for each in data)
    return shown


def test_it_is_kept_without_outputs(kept: nbformat.NotebookNode) -> None:
    nbformat.validate(kept)
    code = [cell for cell in kept.cells if cell.cell_type == "code"]
    assert [cell.outputs for cell in code] == [[] for _ in code]
    assert {cell.execution_count for cell in code} == {None}


@pytest.mark.parametrize(
    ("cell", "told"),
    [
        ("model", ["Model", "tiny", "ONNX", "created"]),
        ("devices", ["Samsung Galaxy S24", "chipset:qualcomm-snapdragon-8gen3"]),
        ("compile_job.wait(timeout=120)", ["success"]),
        ("compile_job", ["Compile job", "success", "--target_runtime onnx", "queued", "ran"]),
        ("profile_job.get_profile()", ["not measured on a device", "Conv", "an inference"]),
        ("quantize_job.get_layer_accuracy()", ["Accuracy of layers", "features"]),
        ("hub.wait_all(jobs, timeout=120)", ["success"]),
        ("client.get_job_summaries()", ["quantize", "inference", "tiny", "success"]),
        ("client.get_datasets()", ["noise", "created"]),
    ],
)
def test_cells_show_html(pages: dict[str, str], cell: str, told: list[str]) -> None:
    page = assert_harmless(pages[cell])
    assert page.tags[0] == "div"
    assert [text for text in told if text not in page.text] == []


def test_the_models_agree(pages: dict[str, str]) -> None:
    (printed,) = [text for text in pages.values() if "the same class" in text]
    assert "the same class: 100%" in printed
