"""Submitting jobs, step by step: checks before anything is sent, then requests and uploads.

A job is fetched when it has been created, so that none of its attributes is left to be asked for.
"""

from __future__ import annotations

import re
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

from qai_hub.client.fetch import fetch_dataset, fetch_job, select_device
from qai_hub.client.submit import naming_made
from qai_hub.client.submit_quantize import check_dtypes
from qai_hub.client.upload import check_data
from qai_hub.errors import UserError
from qai_hub.resources.compile import CompileJob
from qai_hub.resources.inference import InferenceJob
from qai_hub.resources.job import Job
from qai_hub.resources.link import LinkJob
from qai_hub.resources.payload import other_type
from qai_hub.resources.quantize import QuantizeDtype, QuantizeJob
from qai_hub.submit.checks import (
    check_devices,
    check_options,
    check_specs,
    check_text,
    compile_body,
    inference_body,
    link_body,
    quantize_body,
)
from qai_hub.submit.model_checks import (
    check_compiles,
    check_framework,
    check_links,
    check_quantizes,
    check_runs,
    model_key,
)
from qai_hub.transport.values import id_of_made

if TYPE_CHECKING:
    from qai_hub_api import models as api

    from qai_hub.client.submit import SubmittingClient
    from qai_hub.driver import Driver
    from qai_hub.resources.dataset import Dataset
    from qai_hub.resources.device import Device
    from qai_hub.resources.project import Project
    from qai_hub.tensors import DatasetEntries, InputSpecs

J = TypeVar("J", bound=Job)

_DATASET_ID = re.compile(r"d[a-z0-9]{1,31}")


async def compile_jobs(
    driver: Driver,
    client: SubmittingClient,
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
    devices = [await select_device(driver, one) for one in devices]
    source = await client._model(driver, model, project=project)
    data = await _uploaded_data(driver, client, checked, project)
    groups = [devices] if single_compile else [[one] for one in devices]
    bodies = [
        compile_body(source, group, title or source.name, specs, options, data) for group in groups
    ]
    return await _create(driver, client, CompileJob, bodies, project, retry)


async def inference_jobs(
    driver: Driver,
    client: SubmittingClient,
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
    devices = [await select_device(driver, one) for one in devices]
    for one in devices:
        check_framework(model, one)
    data = await _uploaded_data(driver, client, checked, project)
    target = await client._model(driver, model, project=project)
    bodies = [
        inference_body(target, one, title or target.name, data, options, profile) for one in devices
    ]
    return await _create(driver, client, InferenceJob, bodies, project, retry)


async def quantize_job(
    driver: Driver,
    client: SubmittingClient,
    model: Any,  # noqa: ANN401
    calibration_data: Dataset | DatasetEntries | str,
    weights_dtype: QuantizeDtype,
    activations_dtype: QuantizeDtype,
    name: str | None,
    options: str,
    project: str | Project | None,
) -> QuantizeJob:
    """Submits a quantize job, as `Client.submit_quantize_job` does."""
    check_dtypes(weights_dtype, activations_dtype)
    options, title = check_options("options", options), check_text("name", name)
    check_quantizes(model)
    checked = await _checked(driver, client, calibration_data)
    source = await client._model(driver, model, project=project)
    data = await client._dataset(driver, checked, project=project)
    body = quantize_body(
        source, data, weights_dtype, activations_dtype, title or source.name, options
    )
    (job,) = await _create(driver, client, QuantizeJob, [body], project, True)
    return job


async def link_jobs(
    driver: Driver,
    client: SubmittingClient,
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
    devices = [await select_device(driver, one) for one in devices]
    for one in devices:
        for model in given:
            check_framework(model, one)
    inputs = [await client._model(driver, model, project=project) for model in given]
    bodies = [link_body(inputs, one, title or inputs[-1].name, options) for one in devices]
    return await _create(driver, client, LinkJob, bodies, project, True)


async def _checked_data(
    driver: Driver, client: SubmittingClient, data: Dataset | DatasetEntries | str | None
) -> Dataset | DatasetEntries | str | None:
    return None if data is None else await _checked(driver, client, data)


async def _checked(
    driver: Driver, client: SubmittingClient, data: Dataset | DatasetEntries | str
) -> Dataset | DatasetEntries | str:
    """Data that can be used or uploaded; of an identifier, the dataset.

    Raises:
        FileNotFoundError: If there is no file at a path.
        UserError: If it is no dataset, or one that has expired.
    """
    if isinstance(data, str) and _DATASET_ID.fullmatch(data) and not Path(data).exists():  # noqa: ASYNC240 - it takes no time
        data = await fetch_dataset(driver, client, data)
    await driver.run(lambda: check_data(data))
    return data


async def _uploaded_data(
    driver: Driver,
    client: SubmittingClient,
    data: Dataset | DatasetEntries | str | None,
    project: str | Project | None,
) -> Dataset | None:
    return None if data is None else await client._dataset(driver, data, project=project)


async def _create(
    driver: Driver,
    client: SubmittingClient,
    kind: type[J],
    bodies: list[api.JobSubmit],
    project: str | Project | None,
    retry: bool,
) -> list[J]:
    """Creates jobs, one after the other; an error has a note about those that were made."""
    project_id = client._project_id(project)
    made: list[str] = []
    jobs: list[J] = []
    with naming_made(made):
        for body in bodies:
            made.append(await _create_one(driver, body, project_id, retry))
            job = await fetch_job(driver, client, made[-1])
            if not isinstance(job, kind):
                raise other_type(kind.__name__.removesuffix("Job").lower())
            jobs.append(job)
    return jobs


async def _create_one(
    driver: Driver, body: api.JobSubmit, project_id: str | None, retry: bool
) -> str:
    from qai_hub_api.api.jobs import create_job
    from qai_hub_api.api.projects import create_project_job

    with driver.connection.limits(retry_rate_limit=retry):
        if project_id is None:
            made = await driver.call(create_job.sync, body=body, seed_target_model=True)
        else:
            made = await driver.call(
                create_project_job.sync, project_id, body=body, seed_target_model=True
            )
    return id_of_made(made.id)
