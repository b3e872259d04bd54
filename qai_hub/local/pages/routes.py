"""Which page is at which path."""

import json
from collections.abc import Awaitable, Callable

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route
from starlette.types import ASGIApp

from qai_hub.local.api.context import Services
from qai_hub.local.contract import Contract
from qai_hub.local.core.pools import PoolWatch
from qai_hub.local.core.sign_ins import SIGN_IN_PATH
from qai_hub.local.errors import ProblemError
from qai_hub.local.pages import (
    compare,
    datasets,
    devices,
    graph,
    job,
    job_files,
    jobs,
    models,
    trace,
)
from qai_hub.local.pages.chosen_jobs import ChosenJobs
from qai_hub.local.pages.endpoint import PageEndpoint
from qai_hub.local.pages.health import HealthPage
from qai_hub.local.pages.live import LivePages
from qai_hub.local.pages.missing import MissingPage
from qai_hub.local.pages.reference import Reference
from qai_hub.local.pages.sign_in import SignInPage, SignOut
from qai_hub.local.pages.site import Site
from qai_hub.local.pages.trace_viewer import trace_viewer
from qai_hub.local.pages.trying import TryPage


class Pages:
    """The pages of a hub.

    Args:
        services: What the handlers of the API use.
        pools: The queue, and the processes that take jobs from it.
        not_found: What responds where there is neither a page nor anything else.

    Attributes:
        routes: Their routes, for Starlette.
        live: The open pages that are told of changes.
        missing: What is shown where there is no page.
    """

    def __init__(self, services: Services, pools: PoolWatch, not_found: ASGIApp) -> None:
        site = Site(services)
        reference = Reference.of(services.contract)
        self.live = LivePages(site)
        self.missing = MissingPage(site, not_found)
        self.routes = [
            Route("/", PageEndpoint(site, jobs.show_start)),
            Route("/jobs/", PageEndpoint(site, jobs.show_jobs)),
            Route("/jobs/change/", ChosenJobs(site)),
            Route("/compare/", PageEndpoint(site, compare.show_comparison)),
            Route("/jobs/{job_id}/", PageEndpoint(site, job.show_job, job.change_job)),
            Route("/jobs/{job_id}/target/", PageEndpoint(site, job_files.download_target)),
            Route(
                "/jobs/{job_id}/files/{artifact}/", PageEndpoint(site, job_files.download_artifact)
            ),
            Route("/jobs/{job_id}/trace/", PageEndpoint(site, trace.show_trace)),
            Route("/jobs/{job_id}/trace/content", PageEndpoint(site, trace.get_trace)),
            Route("/speedscope/{name:path}", trace_viewer()),
            Route("/jobs/{job_id}/profile.csv", PageEndpoint(site, job.get_profile_csv)),
            Route("/jobs/{job_id}/profile.json", PageEndpoint(site, job.get_profile_json)),
            Route("/jobs/{job_id}/ranges.csv", PageEndpoint(site, job.get_ranges_csv)),
            Route("/models/", PageEndpoint(site, models.show_models)),
            Route("/models/{model_id}/", PageEndpoint(site, models.show_model, models.change)),
            Route("/models/{model_id}/delete/", PageEndpoint(site, models.ask, models.delete)),
            Route("/models/{model_id}/graph/", PageEndpoint(site, graph.show_graph)),
            Route("/models/{model_id}/content", PageEndpoint(site, graph.get_content)),
            Route("/netron/{name:path}", site.netron.files),
            Route("/models/{model_id}/file", PageEndpoint(site, models.get_file)),
            Route("/datasets/", PageEndpoint(site, datasets.show_datasets)),
            Route(
                "/datasets/{dataset_id}/",
                PageEndpoint(site, datasets.show_dataset, datasets.change),
            ),
            Route(
                "/datasets/{dataset_id}/delete/",
                PageEndpoint(site, datasets.ask, datasets.delete),
            ),
            Route("/datasets/{dataset_id}/file", PageEndpoint(site, datasets.get_file)),
            Route("/devices/", PageEndpoint(site, devices.show_devices)),
            Route("/devices/{name}/", PageEndpoint(site, devices.show_device)),
            Route("/health/", PageEndpoint(site, HealthPage(pools))),
            Route("/docs/", PageEndpoint(site, reference.show)),
            Route("/docs/{operation}/", TryPage(site, reference)),
            Route("/docs/schemas/{name}/", PageEndpoint(site, reference.show_schema)),
            Route("/live/", self.live),
            Route(SIGN_IN_PATH, SignInPage(site)),
            Route("/sign-out/", SignOut(site)),
            Route("/static/{digest}/{name}", site.static),
            Route("/openapi.json", _document(services.contract)),
        ]


def _document(contract: Contract) -> Callable[[Request], Awaitable[Response]]:
    text = json.dumps(contract.document)

    async def serve(request: Request) -> Response:
        if request.method not in ("GET", "HEAD"):
            raise ProblemError(
                405, "The contract only supports GET and HEAD.", headers={"Allow": "GET, HEAD"}
            )
        return Response(text, media_type="application/json")

    return serve
