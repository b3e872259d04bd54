"""Submitting jobs, step by step: checks before anything is sent, then requests and uploads."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeAlias, TypeVar

from qai_hub.client.fetch import DEVICES, Choice, choose_anew, fetch_dataset
from qai_hub.client.upload import UploadingClient, check_data
from qai_hub.errors import Error, InvalidValueError, UserError
from qai_hub.resources.compile import CompileJob
from qai_hub.resources.inference import InferenceJob
from qai_hub.resources.job import Job
from qai_hub.resources.job_request import JobRequest
from qai_hub.resources.kinds import submitted_job
from qai_hub.resources.link import LinkJob
from qai_hub.resources.quantize import QuantizeDtype, QuantizeJob
from qai_hub.submit.checks import check_devices, check_options, check_specs, check_text
from qai_hub.submit.model_checks import (
    check_compiles,
    check_framework,
    check_links,
    check_quantizes,
    check_runs,
    model_key,
)

if TYPE_CHECKING:
    from qai_hub_api import models as api

    from qai_hub.driver import Driver
    from qai_hub.resources.dataset import Dataset
    from qai_hub.resources.device import Device
    from qai_hub.resources.model import Model
    from qai_hub.resources.project import Project
    from qai_hub.tensors import DatasetEntries, InputSpecs

J = TypeVar("J", bound=Job)

# The devices of a job, and the function that drafts the job for them.
Planned: TypeAlias = tuple[Sequence[Choice], Callable[[list["Device"]], JobRequest]]

# Status codes with which a service may refuse a device that no longer exists.
_REFUSALS = frozenset({400, 404, 409, 422})
_DATASET_ID = re.compile(r"d[a-z0-9]{1,31}")
# Supported combinations of weight and activation types.
_PAIRS = (
    (QuantizeDtype.INT8, QuantizeDtype.INT8),
    (QuantizeDtype.INT8, QuantizeDtype.INT16),
    (QuantizeDtype.INT4, QuantizeDtype.INT16),
)


async def compile_jobs(
    driver: Driver,
    client: UploadingClient,
    model: Any,  # noqa: ANN401
    device: Device | list[Device],
    name: str | None,
    input_specs: InputSpecs | None,
    options: str,
    single_compile: bool,
    calibration_data: Dataset | DatasetEntries | str | None,
    retry: bool,
    project: str | Project | None,
) -> list[CompileJob]:
    """Submits compile jobs, as `Client.submit_compile_job` does."""
    devices = check_devices(device)
    options, title = check_options("options", options), check_text("name", name)
    specs = check_specs(input_specs)
    check_compiles(model, specs, options)
    checked = await _checked_data(driver, client, calibration_data)
    choices = await choose_devices(driver, client, devices)
    source = await _uploaded_model(driver, client, model, project)
    data = await _uploaded_data(driver, client, checked, project)
    groups = [choices] if single_compile else [[choice] for choice in choices]

    def draft(devices: list[Device]) -> JobRequest:
        return CompileJob._build_request(
            source, devices, title or source.name, specs, options, data
        )

    planned = [(group, draft) for group in groups]
    return await create_jobs(driver, client, CompileJob, planned, project, retry)


async def inference_jobs(
    driver: Driver,
    client: UploadingClient,
    model: Any,  # noqa: ANN401
    device: Device | list[Device],
    inputs: Dataset | DatasetEntries | str | None,
    name: str | None,
    options: str,
    retry: bool,
    profile: bool,
    project: str | Project | None,
) -> list[InferenceJob]:
    """Submits inference jobs, as `Client.submit_inference_job` does."""
    devices = check_devices(device)
    options, title = check_options("options", options), check_text("name", name)
    if inputs is None and not profile:
        raise UserError("There is nothing to do: give inputs, or profile=True.")
    check_runs(model)
    checked = await _checked_data(driver, client, inputs)
    choices = await choose_devices(driver, client, devices, [model])
    data = await _uploaded_data(driver, client, checked, project)
    target = await _uploaded_model(driver, client, model, project)

    def draft(devices: list[Device]) -> JobRequest:
        return InferenceJob._build_request(
            target, devices[0], title or target.name, data, options, profile
        )

    planned = [([choice], draft) for choice in choices]
    return await create_jobs(driver, client, InferenceJob, planned, project, retry)


async def quantize_job(
    driver: Driver,
    client: UploadingClient,
    model: Any,  # noqa: ANN401
    calibration_data: Dataset | DatasetEntries | str,
    weights_dtype: QuantizeDtype,
    activations_dtype: QuantizeDtype,
    name: str | None,
    options: str,
    project: str | Project | None,
) -> QuantizeJob:
    """Submits a quantize job, as `Client.submit_quantize_job` does."""
    if (weights_dtype, activations_dtype) not in _PAIRS:
        pairs = ", ".join(f"{w.name} with {a.name}" for w, a in _PAIRS)
        raise InvalidValueError(
            f"Weights of {weights_dtype} and activations of {activations_dtype} do not go"
            f" together: these do, weights with activations: {pairs}."
        )
    options, title = check_options("options", options), check_text("name", name)
    check_quantizes(model)
    checked = await _checked(driver, client, calibration_data)
    source = await _uploaded_model(driver, client, model, project)
    data = await _uploaded(driver, client, checked, project)

    def draft(_: list[Device]) -> JobRequest:
        return QuantizeJob._build_request(
            source, data, weights_dtype, activations_dtype, title or source.name, options
        )

    (job,) = await create_jobs(driver, client, QuantizeJob, [([], draft)], project)
    return job


async def link_jobs(
    driver: Driver,
    client: UploadingClient,
    models: Any,  # noqa: ANN401
    device: Device | list[Device],
    name: str | None,
    options: str,
    project: str | Project | None,
) -> list[LinkJob]:
    """Submits link jobs, as `Client.submit_link_job` does."""
    devices = check_devices(device)
    options, title = check_options("options", options), check_text("name", name)
    given = models if isinstance(models, list) else [models]
    if not given:
        raise UserError("models is an empty list: a link job takes at least one model.")
    for model in given:
        check_links(model)
    if len({model_key(model) for model in given}) < len(given):
        raise UserError("The models of a link job must differ: one of them comes twice.")
    choices = await choose_devices(driver, client, devices, given)
    inputs = [await _uploaded_model(driver, client, model, project) for model in given]

    def draft(devices: list[Device]) -> JobRequest:
        return LinkJob._build_request(inputs, devices[0], title or inputs[-1].name, options)

    planned = [([choice], draft) for choice in choices]
    return await create_jobs(driver, client, LinkJob, planned, project)


async def choose_devices(
    driver: Driver,
    client: UploadingClient,
    queries: list[Device],
    models: Sequence[Any] = (),
) -> list[Choice]:
    """Finds the devices for jobs, one for each query.

    Args:
        driver: Runs the requests.
        client: The client that submits.
        queries: What the user asked for.
        models: Models that the devices must run: each a `Model`, or one that could be uploaded.

    Returns:
        The devices.

    Raises:
        UserError: If no device matches a query, a query is malformed, or a device cannot run a
            model.
    """
    choices = [await DEVICES.choose(driver, client, query) for query in queries]
    try:
        _check_frameworks(models, choices)
    except UserError:
        # A cached device may be out of date, and may have the framework by now.
        renewed = await choose_anew(driver, client, choices)
        if renewed is None:
            raise
        _check_frameworks(models, renewed)
        return renewed
    return choices


async def create_jobs(
    driver: Driver,
    client: UploadingClient,
    kind: type[J],
    planned: Sequence[Planned],
    project: str | Project | None,
    retry: bool = True,
) -> list[J]:
    """Creates jobs one after the other; an error has a note that names those created before it.

    Args:
        driver: Runs the requests.
        client: The client that submits.
        kind: Class of the jobs.
        planned: For each job its devices, and the function that drafts it for them.
        project: Project of the jobs; None uses the client's default.
        retry: Whether to wait and retry when the service limits the rate of requests.

    Returns:
        The jobs.

    Raises:
        UserError: If the service refuses a job.
    """
    project_id = client._project_id(project)
    made: list[str] = []
    jobs: list[J] = []
    with naming_made(made):
        for choices, draft in planned:
            answer, known = await _create_one(driver, client, choices, draft, project_id, retry)
            job = submitted_job(kind, answer, client, known)
            made.append(job.job_id)
            if driver.suspends:
                # So that reading an attribute never blocks the event loop.
                await job._fetch(driver)
            jobs.append(job)
    return jobs


async def _create_one(
    driver: Driver,
    client: UploadingClient,
    choices: Sequence[Choice],
    draft: Callable[[list[Device]], JobRequest],
    project_id: str | None,
    retry: bool,
) -> tuple[api.CreateUpdateResponse, dict[str, Any]]:
    """Creates a job; returns the response, and the attributes that are known from what was sent."""
    drafted = draft([choice.device for choice in choices])
    try:
        answer = await _send_job(driver, drafted.body, project_id, retry)
    except UserError as error:
        # A cached device may no longer exist, or the query may select another one by now.
        refused = error.status_code in _REFUSALS
        renewed = await choose_anew(driver, client, choices) if refused else None
        if renewed is None:
            raise
        drafted = draft([choice.device for choice in renewed])
        answer = await _send_job(driver, drafted.body, project_id, retry)
    known = {"name": drafted.name, **drafted.attributes} if drafted.name else drafted.attributes
    return answer, known


async def _send_job(
    driver: Driver, body: api.JobSubmit, project_id: str | None, retry: bool
) -> api.CreateUpdateResponse:
    from qai_hub_api.api.jobs import create_job
    from qai_hub_api.api.projects import create_project_job

    with driver.connection.limits(retry_rate_limit=retry):
        if project_id is None:
            return await driver.call(create_job.sync, body=body, seed_target_model=True)
        return await driver.call(
            create_project_job.sync, project_id, body=body, seed_target_model=True
        )


def _check_frameworks(models: Sequence[Any], choices: Sequence[Choice]) -> None:
    for choice in choices:
        for model in models:
            check_framework(model, choice.device)


@contextmanager
def naming_made(made: list[str]) -> Iterator[None]:
    """Adds a note to errors that names the jobs created before.

    Args:
        made: Identifiers of the jobs; the list may grow while the context is open.
    """
    try:
        yield
    except Error as error:
        if made:
            error.add_note(f"Made before that, to be fetched by get_job: {', '.join(made)}")
        raise


async def _checked_data(
    driver: Driver, client: UploadingClient, data: Dataset | DatasetEntries | str | None
) -> Dataset | DatasetEntries | str | None:
    return None if data is None else await _checked(driver, client, data)


async def _checked(
    driver: Driver, client: UploadingClient, data: Dataset | DatasetEntries | str
) -> Dataset | DatasetEntries | str:
    """Checks that data can be used or uploaded; returns the dataset if given an identifier.

    Raises:
        FileNotFoundError: If a path does not exist.
        UserError: If it is not a dataset, or the dataset has expired.
    """
    if isinstance(data, str) and _DATASET_ID.fullmatch(data) and not Path(data).exists():  # noqa: ASYNC240 - the call is short
        if driver.suspends:
            data = await fetch_dataset(driver, client, data)
        else:
            data = client.get_dataset(data)
    await driver.run(lambda: check_data(data))
    return data


async def _uploaded_data(
    driver: Driver,
    client: UploadingClient,
    data: Dataset | DatasetEntries | str | None,
    project: str | Project | None,
) -> Dataset | None:
    return None if data is None else await _uploaded(driver, client, data, project)


# A subclass of the client may override the methods that the blocking branches call.


async def _uploaded(
    driver: Driver,
    client: UploadingClient,
    data: Dataset | DatasetEntries | str,
    project: str | Project | None,
) -> Dataset:
    if driver.suspends:
        return await client._dataset(driver, data, project=project)
    return client._upload_dataset(data, project=project)


async def _uploaded_model(
    driver: Driver,
    client: UploadingClient,
    model: Any,  # noqa: ANN401
    project: str | Project | None,
) -> Model:
    if driver.suspends:
        return await client._model(driver, model, project=project)
    return client.upload_model(model, project=project)
