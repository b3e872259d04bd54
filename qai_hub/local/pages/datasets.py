"""The pages of datasets: their list, and each with what is in it."""

from starlette.responses import Response

from qai_hub.local.clock import rfc3339
from qai_hub.local.core.access import DATASET
from qai_hub.local.pages import owned
from qai_hub.local.pages.inspected import Entry
from qai_hub.local.pages.site import Page
from qai_hub.local.store.rows import DATASETS


def show_datasets(page: Page) -> Response:
    """Show a page of the list of datasets."""
    found = owned.read_list(page, "listDatasets", "datasets")
    records = DATASETS.get_many(page.db, (each["dataset_id"] for each in found.items))
    sizes = owned.read_sizes(page, list(records.values()))
    return page.render("datasets.html", list=found, sizes=sizes, now=_now(page))


def show_dataset(page: Page) -> Response:
    """Show a dataset."""
    key = page.request.path_params["dataset_id"]
    dataset = page.get("getDataset", dataset_id=key)
    record = DATASET.get_visible(page.db, page.viewer, key)
    is_expired = record.expires is not None and record.expires <= _now(page)
    inspection = None
    if record.file_id is not None and not is_expired:
        inspection = owned.inspect(page, record.file_id)
    return page.render(
        "dataset.html",
        dataset=dataset,
        size=owned.read_sizes(page, [record]).get(key),
        is_expired=is_expired,
        inspection=inspection,
        entries=Entry.of_all(inspection),
        uses=owned.read_jobs(page, key),
        sharing=None if dataset["read_only"] else page.get("getDatasetSharing", dataset_id=key),
    )


def _now(page: Page) -> str:
    return rfc3339(page.site.services.clock())


def change(page: Page) -> Response:
    """Carry out what a form of the page of a dataset asks for."""
    return owned.change_owned(page, "Dataset")


def ask(page: Page) -> Response:
    """Ask whether to delete a dataset."""
    return owned.ask_to_delete(page, "Dataset")


def delete(page: Page) -> Response:
    """Delete a dataset."""
    return owned.delete_owned(page, "Dataset")


def get_file(page: Page) -> Response:
    """Lead to the download of a dataset."""
    return owned.lead_to_file(page, "Dataset")
