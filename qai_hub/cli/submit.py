"""`qai-hub submit`: submits jobs of each type, and prints their identifiers."""

import shlex
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any, TypeVar

import click

from qai_hub.cli.common import print_info, print_line
from qai_hub.cli.completion import (
    complete_datasets_or_files,
    complete_jobs,
    complete_models_or_files,
)
from qai_hub.cli.groups import HubGroup
from qai_hub.cli.invocation import Invocation
from qai_hub.cli.job import exit_status, print_job, wait_for
from qai_hub.cli.job_fields import JOB_FIELDS, ShownJob, tell_results
from qai_hub.cli.output import output_options, print_rows
from qai_hub.cli.parameters import (
    SecondsType,
    device_options,
    input_specs_option,
    make_device,
)
from qai_hub.cli.slips import Choice
from qai_hub.cli.submission import (
    DATA,
    NO_DATA,
    Submission,
    submit_compile,
    submit_inference,
    submit_link,
    submit_quantize,
)

if TYPE_CHECKING:
    from qai_hub.client import Device, InferenceJob, Job

F = TypeVar("F", bound=Callable[..., Any])

_model = click.argument("model", required=False, shell_complete=complete_models_or_files)
_input_specs = input_specs_option("--input-specs", "--input_specs")


def _calibration_data(text: str) -> Callable[[F], F]:
    return click.option(
        "--calibration-data",
        "--calibration_data",
        metavar="DATASET",
        shell_complete=complete_datasets_or_files,
        help=text,
    )


def _submit_options(job_options: str, *, device: bool = True) -> Callable[[F], F]:
    """Adds the options that all types of job have.

    Args:
        job_options: An example of `--options`, which differ by type.
        device: Whether such jobs have a device.
    """

    def add(command: F) -> F:
        for option in (
            output_options(JOB_FIELDS),
            click.option(
                "--wait",
                is_flag=True,
                help="Wait until the job has ended; exits with 1 if it fails.",
            ),
            click.option(
                "--timeout",
                type=SecondsType(),
                metavar="SECONDS",
                help="Wait for this time at most; then exits with 124, and the job goes on.",
            ),
            click.option(
                "--clone",
                metavar="JOB",
                shell_complete=complete_jobs,
                help="Take what is not given from this job.",
            ),
            click.option("--project", metavar="ID", help="Project of the job."),
            click.option(
                "--name", metavar="NAME", help="Name to show; that of the model if absent."
            ),
            click.option("--options", metavar="TEXT", help=f'Such as "{job_options}".'),
            *([device_options(several=True)] if device else []),
        ):
            command = option(command)
        return command

    return add


def _describe(given: dict[str, Any]) -> Submission:
    """Returns what the common options say, and removes them."""
    devices: list[Device | None] = []
    if "device" in given:
        # Repeated by mistake, a device would have several jobs.
        names = dict.fromkeys(given.pop("device")) or (None,)
        attributes, version = given.pop("device_attr"), given.pop("device_os")
        devices = [make_device(name, attributes, version) for name in names]
    rest = {name: given.pop(name) for name in ("name", "project", "options", "clone")}
    return Submission(devices=tuple(each for each in devices if each is not None), **rest)


def _report(
    invocation: Invocation, submitted: "Sequence[Job]", *, wait: bool, timeout: float | None
) -> int:
    """Prints submitted jobs, and waits for them if that is wanted."""
    wait = wait or timeout is not None
    if invocation.prints_identifier:
        # At once: what is waited for can be looked at meanwhile.
        for job in submitted:
            print_line(job.job_id)
        if not wait:
            return 0
        statuses = wait_for(submitted, timeout)
        if not invocation.is_quiet:
            tell_results(submitted, statuses)
        return exit_status(statuses)
    statuses = wait_for(submitted, timeout) if wait else [job.get_status() for job in submitted]
    if len(submitted) == 1:
        print_job(invocation, submitted[0], statuses[0])
    else:
        print_rows(invocation, map(ShownJob, submitted, statuses), JOB_FIELDS)
    return exit_status(statuses) if wait else 0


def _tell_if_not_compiled(invocation: Invocation, submitted: "InferenceJob") -> None:
    """Tells that a source model is run as it is, which a newcomer may not mean."""
    from qai_hub.client import QuantizeJob, SourceModelType

    model = submitted.model
    if invocation.is_quiet or model.model_type is not SourceModelType.ONNX:
        return
    if model._producer_id is None:
        origin = "was uploaded"
    elif isinstance(model._producer, QuantizeJob):
        origin = "was quantized"
    else:
        return
    print_info(
        f"Model {model.model_id} {origin}, not compiled: it runs as it is. To run what a device "
        f"would, compile it first: qai-hub submit compile {model.model_id} --device "
        f"{shlex.quote(submitted.device.name)}, and give the identifier of that job as MODEL."
    )


@click.group(cls=HubGroup)
def submit() -> None:
    """Submit a job, and print its identifier."""


@submit.command(
    examples=[
        (
            "Compile an ONNX model for a device",
            (
                'submit compile model.onnx --device "Samsung Galaxy S24" '
                '--options "--target_runtime qnn_context_binary"'
            ),
        ),
        (
            "The same for another device, as soon as it is done",
            'submit compile --clone jabc1234d --device "Samsung Galaxy S25" --wait',
        ),
        (
            "For two devices, a job for each",
            'submit compile model.onnx --device "Samsung Galaxy S24" --device "Samsung Galaxy S25"',
        ),
    ]
)
@_model
@_submit_options("--target_runtime qnn_context_binary")
@_input_specs
@_calibration_data(f"Calibration data: {DATA}; {NO_DATA} for a clone without.")
@click.pass_obj
def compile(  # noqa: A001 - the verb
    invocation: Invocation,
    /,
    model: str | None,
    wait: bool,
    timeout: float | None,
    input_specs: dict[str, Any] | None,
    calibration_data: str | None,
    **given: Any,  # noqa: ANN401 - options that all types of job have
) -> int:
    """Submit a compile job for MODEL.

    MODEL is a file, the identifier of a model on the hub, or that of a job: its target model, also
    if the job has not ended yet.
    """
    submitted = submit_compile(
        invocation.client, _describe(given), model, input_specs, calibration_data
    )
    return _report(invocation, submitted, wait=wait, timeout=timeout)


@submit.command(
    examples=[
        ("Profile a target model", 'submit profile mabc1234d --device "Samsung Galaxy S24" --wait'),
        (
            "That of a compile job, as soon as it is done",
            'submit profile jabc1234d --device "Samsung Galaxy S24" --wait',
        ),
    ]
)
@_model
@_submit_options("--max_profiler_iterations 50")
@click.pass_obj
def profile(
    invocation: Invocation,
    /,
    model: str | None,
    wait: bool,
    timeout: float | None,
    **given: Any,  # noqa: ANN401 - options that all types of job have
) -> int:
    """Submit an inference job that profiles MODEL.

    MODEL is a file, the identifier of a model on the hub, or that of a job: its target model, also
    if the job has not ended yet. It gets random inputs.
    """
    submitted = submit_inference(invocation.client, _describe(given), model, None, True)
    _tell_if_not_compiled(invocation, submitted[0])
    return _report(invocation, submitted, wait=wait, timeout=timeout)


@submit.command(
    examples=[
        (
            "Run a target model on inputs of yours",
            'submit inference mabc1234d --inputs inputs.npz --device "Samsung Galaxy S24" --wait',
        ),
    ]
)
@_model
@_submit_options("--compute_unit all")
@click.option(
    "--inputs",
    metavar="DATASET",
    shell_complete=complete_datasets_or_files,
    help=f"The inputs: {DATA}; random inputs if absent.",
)
@click.option(
    "--profiling/--no-profiling",
    default=None,
    help="Whether to profile layer by layer as well (on).",
)
@click.pass_obj
def inference(
    invocation: Invocation,
    /,
    model: str | None,
    wait: bool,
    timeout: float | None,
    inputs: str | None,
    profiling: bool | None,
    **given: Any,  # noqa: ANN401 - options that all types of job have
) -> int:
    """Submit an inference job for MODEL.

    MODEL is a file, the identifier of a model on the hub, or that of a job: its target model, also
    if the job has not ended yet. `qai-hub dataset upload --help` tells what files of inputs hold.
    """
    submitted = submit_inference(invocation.client, _describe(given), model, inputs, profiling)
    _tell_if_not_compiled(invocation, submitted[0])
    return _report(invocation, submitted, wait=wait, timeout=timeout)


@submit.command(
    examples=[
        (
            "Quantize a model to 8 bits, with activations of 16",
            "submit quantize model.onnx --calibration-data samples/ --activations int16 --wait",
        ),
    ]
)
@_model
@_submit_options("--range_scheme min_max", device=False)
@_calibration_data(f"Calibration data: {DATA}.")
@click.option("--weights", type=Choice(("int8", "int4")), help="Type of the weights (int8).")
@click.option(
    "--activations", type=Choice(("int8", "int16")), help="Type of the activations (int8)."
)
@click.pass_obj
def quantize(
    invocation: Invocation,
    /,
    model: str | None,
    wait: bool,
    timeout: float | None,
    calibration_data: str | None,
    weights: str | None,
    activations: str | None,
    **given: Any,  # noqa: ANN401 - options that all types of job have
) -> int:
    """Submit a quantize job for MODEL.

    MODEL is an ONNX file, the identifier of a model on the hub, or that of a job: its target model,
    also if the job has not ended yet. `qai-hub dataset upload --help` tells what files of
    calibration data hold.
    """
    submitted = submit_quantize(
        invocation.client, _describe(given), model, calibration_data, weights, activations
    )
    return _report(invocation, [submitted], wait=wait, timeout=timeout)


@submit.command(
    examples=[
        (
            "Link two DLCs into one context binary",
            'submit link mabc1234d mefg5678h --device "Samsung Galaxy S24"',
        ),
    ]
)
@click.argument("models", nargs=-1, shell_complete=complete_models_or_files)
@_submit_options("--qnn_options context_enable_graphs=prefill")
@click.pass_obj
def link(
    invocation: Invocation,
    /,
    models: tuple[str, ...],
    wait: bool,
    timeout: float | None,
    **given: Any,  # noqa: ANN401 - options that all types of job have
) -> int:
    """Submit a link job for MODELS.

    MODELS are QNN DLCs: files, identifiers of models on the hub, or those of jobs: their target
    models, also if the jobs have not ended yet.
    """
    submitted = submit_link(invocation.client, _describe(given), models)
    return _report(invocation, submitted, wait=wait, timeout=timeout)
