"""The verbs of the official command, with its options and values.

What they print for people differs, and errors are one line; identifiers and addresses are on
standard output as there.
"""

from collections.abc import Callable, Iterator
from itertools import islice
from typing import TYPE_CHECKING, Any, TypeVar

import click

from qai_hub.cli.common import CommandError, print_info, print_line
from qai_hub.cli.completion import (
    complete_attributes,
    complete_datasets_or_files,
    complete_devices,
    complete_files,
    complete_jobs,
    complete_models_or_files,
)
from qai_hub.cli.device import FRAMEWORK_FIELDS, attribute_values
from qai_hub.cli.groups import HubCommand, make_common_options
from qai_hub.cli.invocation import Invocation
from qai_hub.cli.job import exit_status, wait_for
from qai_hub.cli.output import Field, print_record, print_rows, to_json
from qai_hub.cli.parameters import SpreadOption, device_options, input_specs_option, make_device
from qai_hub.cli.slips import Choice
from qai_hub.cli.submission import (
    DATA,
    NO_DATA,
    Submission,
    submit_compile,
    submit_inference,
    submit_link,
)
from qai_hub.display.text import one_line

if TYPE_CHECKING:
    from qai_hub.client import CompileJob, Device, InferenceJob, LinkJob

F = TypeVar("F", bound=Callable[..., Any])

_ADDED_OPTIONS = frozenset(name for option in make_common_options() for name in option.opts)

_S23 = '--device "Samsung Galaxy S23"'


class OfficialCommand(HubCommand):
    """A verb of the official command, whose options may be shortened to a beginning of their own.

    `--mod` stands for `--model` where no other option begins like this. Options that the official
    verbs lack do not count: they take no beginning away from those.
    """

    takes_last_value = True
    values_like_options = _ADDED_OPTIONS

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        """Parses the arguments after completing the names of options."""
        return super().parse_args(ctx, list(self._complete_names(ctx, args)))

    def _complete_names(self, ctx: click.Context, args: list[str]) -> Iterator[str]:
        options = {
            name: option
            for option in self.get_params(ctx)
            if isinstance(option, click.Option)
            for name in (*option.opts, *option.secondary_opts)
        }
        rest = iter(args)
        for arg in rest:
            name, equals, value = arg.partition("=")
            if name.startswith("--") and name != "--" and name not in options:
                longer = [known for known in options if known.startswith(name)]
                longer = [known for known in longer if known not in _ADDED_OPTIONS] or longer
                if len(longer) > 1:
                    raise click.UsageError(f"{name} is ambiguous: {', '.join(longer)}.", ctx)
                name = longer[0] if longer else name
            yield f"{name}{equals}{value}"
            option = options.get(name)
            if option is not None and not option.is_flag and not equals:
                # The value may look like an option.
                yield from islice(rest, 1)


def _describe_call(device: "Device") -> str:
    return f'--device "{device.name}" --device-os {device.os}'


_TABLE_FIELDS = (
    Field("device", lambda device: device.name),
    Field("os", lambda device: " ".join((*attribute_values(device, "os"), device.os)).strip()),
    Field("vendor", lambda device: attribute_values(device, "vendor")),
    Field("type", lambda device: attribute_values(device, "format")),
    Field("chipset", lambda device: attribute_values(device, "chipset")),
    Field("cli_invocation", _describe_call),
)
_DETAIL_FIELDS = (
    Field("device", lambda device: device.name),
    Field("os_version", lambda device: device.os),
    Field("attributes", lambda device: list(device.attributes)),
)


def _submit_options(command: F) -> F:
    """Adds the options that all verbs which submit have."""
    for option in (
        click.option("--wait", is_flag=True, help="Wait until the job has ended."),
        click.option("--project", metavar="ID", help="Project of the job."),
        click.option("--name", metavar="NAME", help="Name of the job."),
        click.option(
            "--clone",
            metavar="JOB_ID",
            shell_complete=complete_jobs,
            help="Take what is not given from this job.",
        ),
        device_options(several=False),
    ):
        command = option(command)
    return command


def _options(name: str) -> Callable[[F], F]:
    return click.option(f"--{name}_options", metavar="TEXT", help=f"Options of the {name} job.")


_model = click.option(
    "--model",
    metavar="MODEL",
    shell_complete=complete_models_or_files,
    help="Path of a model, or identifier of a model on the hub.",
)
_input_specs = input_specs_option("--input_specs")
_calibration_data = click.option(
    "--calibration_data",
    metavar="DATASET",
    shell_complete=complete_datasets_or_files,
    help=f"Calibration data: {DATA}; {NO_DATA} for a clone without.",
)


def _describe(given: dict[str, Any], options: str | None) -> Submission:
    from qai_hub.client import Device

    device = make_device(given["device"], given["device_attr"], given["device_os"])
    if device is None and given["clone"] is None:
        # Documented calls leave the device to the service.
        device = Device()
    return Submission(
        devices=() if device is None else (device,),
        name=given["name"],
        project=given["project"],
        clone=given["clone"],
        options=options,
    )


def _report(
    job: "CompileJob | InferenceJob | LinkJob", given: dict[str, Any], *, wait: bool
) -> int:
    print_line(f"{job.job_id} {job.url}")
    if given["clone"] is None and not _names_device(given):
        print_info(
            f"qai-hub: No device is given, so the service has chosen {job.device.name}. To choose "
            "one, give --device NAME: `qai-hub list-devices` shows the names."
        )
    return exit_status(wait_for([job])) if wait else 0


def _names_device(given: dict[str, Any]) -> bool:
    return bool(given["device"] or given["device_attr"] or given["device_os"])


@click.command(
    cls=OfficialCommand,
    examples=[
        ("All devices", "list-devices"),
        ("What one can do", 'list-devices --device "Samsung Galaxy S24" --format details'),
    ],
)
@click.option(
    "--format",
    "layout",
    type=Choice(("table", "details")),
    default="table",
    show_default=True,
    help="How to print.",
)
@click.option("--device", metavar="NAME", default="", shell_complete=complete_devices, help="Name.")
@click.option(
    "--device-attr",
    metavar="KEY:VALUE",
    multiple=True,
    shell_complete=complete_attributes,
    help="An attribute; may be repeated.",
)
@click.option("--device-os", metavar="VERSION", default="", help="Version of its system.")
@click.pass_obj
def list_devices(
    invocation: Invocation, layout: str, device: str, device_attr: tuple[str, ...], device_os: str
) -> None:
    """List devices. `qai-hub device list` has more formats."""
    found = invocation.client.get_devices(device, device_os, list(device_attr))
    invocation.format = "human"
    if layout == "table":
        print_rows(invocation, found, _TABLE_FIELDS, empty="No device matches.")
        return
    for index, each in enumerate(found):
        if index:
            print_line("")
        print_record(invocation, each, _DETAIL_FIELDS)


@click.command(cls=OfficialCommand, examples=[("As JSON", "list-frameworks --json")])
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
@click.pass_obj
def list_frameworks(invocation: Invocation, as_json: bool) -> None:
    """List the runtimes that jobs can request."""
    found = invocation.client.get_frameworks()
    if as_json:
        print_line(
            to_json(
                [
                    {
                        "framework": each.name,
                        "api_version": each.api_version,
                        "api_tags": each.api_tags,
                        "full_version": each.full_version,
                    }
                    for each in found
                ]
            )
        )
        return
    invocation.format = "human"
    print_rows(invocation, found, FRAMEWORK_FIELDS)


@click.command(
    cls=OfficialCommand, examples=[("Upload a model", "upload-model --model resnet50.pt")]
)
@click.option(
    "--model",
    metavar="PATH",
    required=True,
    shell_complete=complete_files,
    help="Path of the model.",
)
@click.option("--name", metavar="NAME", help="Name to show.")
@click.option("--project", metavar="ID", help="Project of the model.")
@click.pass_obj
def upload_model(invocation: Invocation, model: str, name: str | None, project: str | None) -> None:
    """Upload a model. `qai-hub model upload` prints its identifier alone."""
    uploaded = invocation.client.upload_model(model, name, project)
    # Pairs by the names that scripts look for.
    for key, value in (
        ("model_id", uploaded.model_id),
        ("url", uploaded.url),
        ("name", one_line(uploaded.name)),
        ("model_type", uploaded.model_type.name),
        ("date", uploaded.date),
    ):
        print_line(f"{key:<10} : {value}")


@click.command(
    cls=OfficialCommand,
    examples=[
        ("Compile for a device", f"submit-compile-job --model resnet50.pt {_S23}"),
        (
            "For a runtime",
            f'submit-compile-job --model m.onnx {_S23} --compile_options "--target_runtime onnx"',
        ),
        ("Submit a job again", "submit-compile-job --clone jabc1234d"),
    ],
)
@_submit_options
@_model
@_options("compile")
@_input_specs
@_calibration_data
@click.pass_obj
def submit_compile_job(
    invocation: Invocation,
    /,
    model: str | None,
    compile_options: str | None,
    input_specs: dict[str, Any] | None,
    calibration_data: str | None,
    wait: bool,
    **given: Any,  # noqa: ANN401 - options that all verbs have
) -> int:
    """Submit a compile job. `qai-hub submit compile` does the same."""
    (job,) = submit_compile(
        invocation.client, _describe(given, compile_options), model, input_specs, calibration_data
    )
    return _report(job, given, wait=wait)


@click.command(
    cls=OfficialCommand,
    examples=[("Profile a target model", f"submit-profile-job --model mabc1234d {_S23}")],
)
@_submit_options
@_model
@_options("profile")
@click.pass_obj
def submit_profile_job(
    invocation: Invocation,
    /,
    model: str | None,
    profile_options: str | None,
    wait: bool,
    **given: Any,  # noqa: ANN401 - options that all verbs have
) -> int:
    """Submit an inference job that profiles. Deprecated: use submit-inference-job."""
    _warn_deprecated("submit-profile-job", "submit-inference-job")
    (job,) = submit_inference(
        invocation.client, _describe(given, profile_options), model, None, profiling=True
    )
    return _report(job, given, wait=wait)


@click.command(
    cls=OfficialCommand,
    examples=[
        ("Profile a target model", f"submit-inference-job --model mabc1234d {_S23}"),
        (
            "Run it on inputs of yours",
            f"submit-inference-job --model mabc1234d --inputs inputs.h5 --no-profiling {_S23}",
        ),
    ],
)
@_submit_options
@_model
@click.option(
    "--inputs",
    metavar="DATASET",
    shell_complete=complete_datasets_or_files,
    help=f"The inputs: {DATA}; random inputs if absent.",
)
@click.option(
    "--profiling/--no-profiling",
    default=None,
    help="Whether to profile layer by layer (on, or as in the cloned job).",
)
@_options("inference")
@click.pass_obj
def submit_inference_job(
    invocation: Invocation,
    /,
    model: str | None,
    inputs: str | None,
    profiling: bool | None,
    inference_options: str | None,
    wait: bool,
    **given: Any,  # noqa: ANN401 - options that all verbs have
) -> int:
    """Submit an inference job. `qai-hub submit inference` does the same."""
    (job,) = submit_inference(
        invocation.client, _describe(given, inference_options), model, inputs, profiling
    )
    return _report(job, given, wait=wait)


@click.command(
    cls=OfficialCommand,
    examples=[("Link models", f"submit-link-job {_S23} --models mabc1234d mefg5678h")],
)
@_submit_options
@click.option(
    "--models",
    cls=SpreadOption,
    metavar="MODEL...",
    shell_complete=complete_models_or_files,
    help="Identifiers or paths of QNN DLCs.",
)
@_options("link")
@click.pass_obj
def submit_link_job(
    invocation: Invocation,
    /,
    models: tuple[str, ...],
    link_options: str | None,
    wait: bool,
    **given: Any,  # noqa: ANN401 - options that all verbs have
) -> int:
    """Submit a link job. `qai-hub submit link` does the same."""
    (job,) = submit_link(invocation.client, _describe(given, link_options), models)
    return _report(job, given, wait=wait)


@click.command(
    cls=OfficialCommand,
    examples=[
        (
            "Compile and profile",
            (
                "submit-compile-and-profile-jobs --model resnet50.pt "
                f"--input_specs \"{{'x': (1, 3, 224, 224)}}\" {_S23}"
            ),
        )
    ],
)
@_submit_options
@_model
@_options("compile")
@_input_specs
@_calibration_data
@_options("profile")
@click.pass_obj
def submit_compile_and_profile_jobs(
    invocation: Invocation,
    /,
    model: str | None,
    compile_options: str | None,
    input_specs: dict[str, Any] | None,
    calibration_data: str | None,
    profile_options: str | None,
    wait: bool,
    **given: Any,  # noqa: ANN401 - options that all verbs have
) -> int:
    """Submit a compile job, and one that profiles its target model. Deprecated."""
    _warn_deprecated("submit-compile-and-profile-jobs", "submit-compile-job, submit-inference-job")
    client = invocation.client
    (compiling,) = submit_compile(
        client, _describe(given, compile_options), model, input_specs, calibration_data
    )
    _report(compiling, given, wait=False)
    target = compiling.get_target_model()
    if target is None:
        raise CommandError(f"{compiling.job_id} has failed: there is nothing to profile.")
    given |= {"clone": None, "name": given["name"] or compiling.name}
    if not _names_device(given):
        given |= {"device": compiling.device.name, "device_os": compiling.device.os}
    (profiling,) = submit_inference(
        client, _describe(given, profile_options), target.model_id, None, profiling=True
    )
    return _report(profiling, given, wait=wait)


def _warn_deprecated(verb: str, better: str) -> None:
    print_info(f"qai-hub: {verb} is deprecated: use {better}.")
