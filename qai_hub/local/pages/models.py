"""The pages of models: their list, and each with what is in it."""

from typing import Any

from starlette.responses import Response

from qai_hub.local.core.access import MODEL, is_visible
from qai_hub.local.errors import ProblemError
from qai_hub.local.pages import owned
from qai_hub.local.pages.site import Page
from qai_hub.local.pages.text import humanize
from qai_hub.local.store.rows import JOBS, MODELS


def show_models(page: Page) -> Response:
    """Show a page of the list of models."""
    found = owned.read_list(page, "listModels", "models")
    records = MODELS.get_many(page.db, (each["model_id"] for each in found.items))
    sizes = owned.read_sizes(page, list(records.values()))
    return page.render("models.html", list=found, sizes=sizes)


def show_model(page: Page) -> Response:
    """Show a model."""
    key = page.request.path_params["model_id"]
    model = page.get("getModel", model_id=key)
    record = MODEL.get_visible(page.db, page.viewer, key)
    producer = JOBS.get(page.db, record.producer_id) if record.producer_id else None
    inspection, missing = None, ""
    if record.file_id is None:
        missing = _explain_missing(page, key)
    else:
        inspection = owned.inspect(page, record.file_id, record.model_type or "")
    return page.render(
        "model.html",
        model=model,
        size=owned.read_sizes(page, [record]).get(key),
        producer=producer if producer and is_visible(page.db, page.viewer, producer) else None,
        missing=missing,
        metadata=_read_metadata(page, model),
        inspection=inspection,
        uses=owned.read_jobs(page, key),
        sharing=None if model["read_only"] else page.get("getModelSharing", model_id=key),
    )


def _explain_missing(page: Page, key: str) -> str:
    """Return why a model has no file."""
    try:
        page.get("getModelDownload", model_id=key)
    except ProblemError as problem:
        return problem.detail
    return ""


def _read_metadata(page: Page, model: dict[str, Any]) -> list[tuple[str, str]]:
    """Return the metadata of a target model: names in words, and values."""
    numbers = page.site.services.contract.enum_values("ModelMetadataKey")
    names = {str(number): name for name, number in numbers.items()}
    entries = model.get("metadata", {}).get("entries", {})
    return [(_in_words(names.get(number, number)), text) for number, text in entries.items()]


def _in_words(name: str) -> str:
    words = humanize(name, "MODEL_METADATA_KEY_").split()
    return " ".join(_NAMES.get(word.lower(), word) for word in words)


_NAMES = {
    **{name.lower(): name for name in ("QNN", "QAIRT", "SDK", "VTCM", "SoC")},
    "hexagon": "Hexagon",
    "bin": "binary",
}


def change(page: Page) -> Response:
    """Carry out what a form of the page of a model asks for."""
    return owned.change_owned(page, "Model")


def ask(page: Page) -> Response:
    """Ask whether to delete a model."""
    return owned.ask_to_delete(page, "Model")


def delete(page: Page) -> Response:
    """Delete a model."""
    return owned.delete_owned(page, "Model")


def get_file(page: Page) -> Response:
    """Lead to the download of a model."""
    return owned.lead_to_file(page, "Model")
