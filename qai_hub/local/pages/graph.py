"""The graph of a model, drawn by Netron in a frame of its own."""

from starlette.responses import Response

from qai_hub.local.api.uploads import model_filename
from qai_hub.local.core.access import MODEL
from qai_hub.local.errors import ProblemError
from qai_hub.local.pages.contents import send_content
from qai_hub.local.pages.owned import read_sizes
from qai_hub.local.pages.site import Page


def show_graph(page: Page) -> Response:
    """Show the graph of a model."""
    key = page.request.path_params["model_id"]
    model = page.get("getModel", model_id=key)
    record = MODEL.get_visible(page.db, page.viewer, key)
    return page.render(
        "graph.html",
        model=model,
        size=read_sizes(page, [record]).get(key),
        # Netron tells formats by names.
        filename=model_filename(record.name, record.model_type, is_directory=record.is_directory),
        is_installed=page.site.netron.is_installed,
    )


def get_content(page: Page) -> Response:
    """Return the file of a model itself, for the page of its graph."""
    record = MODEL.get_visible(page.db, page.viewer, page.request.path_params["model_id"])
    size = read_sizes(page, [record]).get(record.id)
    if record.file_id is None or size is None:
        raise ProblemError(409, f"The model {record.id} has no file.")
    return send_content(page, record.file_id, size, "application/octet-stream")
