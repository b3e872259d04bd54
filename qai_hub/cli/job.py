"""`qai-hub job`: lists, shows, waits for, downloads, shares, renames and cancels jobs."""

import shutil
import sys
import tempfile
from collections.abc import Sequence
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

import click

from qai_hub.cli.common import CommandError, print_error, print_info, print_line
from qai_hub.cli.groups import HubGroup
from qai_hub.cli.invocation import Invocation
from qai_hub.cli.output import (
    Field,
    is_terminal,
    output_options,
    print_record,
    print_rows,
)
from qai_hub.cli.parameters import (
    SecondsType,
    get_jobs,
    job_argument,
    jobs_argument,
    list_options,
    read_ids,
    take,
)
from qai_hub.cli.sharing import share_options, share_with
from qai_hub.cli.web import open_page, print_only_option

if TYPE_CHECKING:
    from qai_hub.client import Job, JobStatus

FAILED = 1

_TYPES = ("compile", "profile", "inference", "quantize", "link")
_STATES = ("running", "success", "failed")


def _state_style(state: object) -> str:
    return {"SUCCESS": "green", "FAILED": "red"}.get(str(state), "yellow")


SUMMARY_FIELDS = (
    Field("id", lambda job: job.job_id, keep_whole=True),
    Field("type", lambda job: job.job_type.display_name, keep_whole=True),
    Field("state", lambda job: job.status.code, style=_state_style, keep_whole=True),
    Field("created", lambda job: job.created_at, keep_whole=True, spare=1),
    Field("device", lambda job: job.device_name, least=24),
    Field("name", lambda job: job.name, least=10),
    Field("owner", lambda job: job.username, in_table=False),
    Field("queued", lambda job: job.queued_at, in_table=False),
    Field("started", lambda job: job.started_at, in_table=False),
    Field("completed", lambda job: job.completed_at, in_table=False),
    Field("project", lambda job: job.project_id, in_table=False),
    Field("url", lambda job: job.url, in_table=False),
)


def _device_text(job: "Job") -> str | list[str] | None:
    device = getattr(job, "device", None)
    if device is None:
        return None
    devices = device if isinstance(device, list) else [device]
    names = [f"{each.name} {each.os}".strip() for each in devices]
    return names[0] if len(names) == 1 else names


def _model_ids(job: "Job") -> str | list[str] | None:
    models = getattr(job, "models", None)
    if models:
        return [model.model_id for model in models]
    model = getattr(job, "model", None)
    return None if model is None else str(model.model_id)


JOB_FIELDS = (
    Field("id", lambda shown: shown[0].job_id),
    Field("type", lambda shown: shown[0].job_type),
    Field("name", lambda shown: shown[0].name),
    Field("state", lambda shown: shown[1].code),
    Field("reason", lambda shown: shown[1].message if shown[1].failure else None),
    Field("failure_type", lambda shown: shown[0].failure_type),
    Field("url", lambda shown: shown[0].url),
    Field("device", lambda shown: _device_text(shown[0])),
    Field("model", lambda shown: _model_ids(shown[0])),
    Field("options", lambda shown: shown[0].options.strip()),
    Field("created", lambda shown: shown[0].created_at),
    Field("queued", lambda shown: shown[0].queued_at),
    Field("started", lambda shown: shown[0].started_at),
    Field("completed", lambda shown: shown[0].completed_at),
    Field("owner", lambda shown: shown[0].owner.email if shown[0].owner else None),
    Field("project", lambda shown: shown[0].project_id),
    Field("hub_version", lambda shown: shown[0].hub_version),
    Field(
        "notices",
        lambda shown: [f"{each.severity}: {each.message}" for each in shown[0].notices],
    ),
)


def print_job(invocation: Invocation, job: "Job", status: "JobStatus") -> None:
    """Prints a job as a record."""
    print_record(invocation, (job, status), JOB_FIELDS)


def exit_status(statuses: Sequence["JobStatus"]) -> int:
    """Returns 0 if all jobs have succeeded, and 1 otherwise."""
    return 0 if all(status.success for status in statuses) else FAILED


@click.group(cls=HubGroup)
def job() -> None:
    """List, wait for, download and share jobs."""


@job.command(
    "list",
    examples=[
        ("The latest jobs", "job list"),
        (
            "Failed compile jobs of a colleague",
            "job list --type compile --state failed --creator a@b.c",
        ),
        ("Wait for all that are under way", "job list -q --state running | qai-hub job wait -"),
        ("All jobs, as a JSON object on each line", "job list --all --format jsonl"),
    ],
)
@click.option("--type", "kind", type=click.Choice(_TYPES), help="Jobs of this type.")
@click.option("--state", type=click.Choice(_STATES), help="Jobs in this state.")
@click.option("--creator", metavar="EMAIL", help="Jobs that this user has submitted.")
@click.option("--project", metavar="ID", help="Jobs of this project.")
@list_options
@output_options(SUMMARY_FIELDS)
@click.pass_obj
def list_jobs(
    invocation: Invocation,
    kind: str | None,
    state: str | None,
    creator: str | None,
    project: str | None,
    limit: int,
    every: bool,
) -> None:
    """List jobs, the latest first."""
    from qai_hub.client import JobStatus, JobType

    states = {
        None: None,
        "running": JobStatus.all_running_states(),
        "success": [JobStatus.State.SUCCESS],
        "failed": [JobStatus.State.FAILED],
    }[state]
    iterate = partial(
        invocation.client.iter_job_summaries,
        creator=creator,
        state=states,
        type=JobType[kind.upper()] if kind else None,
        project=project,
    )
    jobs = take(iterate, limit, every=every)
    print_rows(invocation, jobs, SUMMARY_FIELDS, empty="No jobs.")


@job.command(
    examples=[
        ("A job, with its reason if it failed", "job show jabc1234d"),
        ("Its state alone", "job show jabc1234d --format tsv --fields state"),
    ]
)
@job_argument
@output_options(JOB_FIELDS)
@click.pass_obj
def show(invocation: Invocation, job_id: str) -> None:
    """Show a job."""
    found = invocation.client.get_job(job_id)
    print_job(invocation, found, found.get_status())


@job.command(
    examples=[
        ("Wait, and fail if the job fails", "job wait jabc1234d"),
        ("At most ten minutes, for several", "job wait jabc1234d jefg5678h --timeout 600"),
        ("Those that another command prints", "job list -q --state running | qai-hub job wait -"),
    ]
)
@jobs_argument
@click.option(
    "--timeout",
    type=SecondsType(),
    metavar="SECONDS",
    help="Stop waiting after this time, with status 124; the jobs go on.",
)
@output_options(JOB_FIELDS)
@click.pass_obj
def wait(invocation: Invocation, job_ids: tuple[str, ...], timeout: float | None) -> int:
    """Wait until jobs have ended.

    Exits with 0 if all have succeeded, and 1 otherwise. JOB may be -, for the lines of standard
    input. Ctrl+C stops waiting; the jobs go on.
    """
    jobs = get_jobs(invocation.client, job_ids)
    statuses = wait_for(jobs, timeout)
    if invocation.format is not None or invocation.fields is not None:
        print_rows(invocation, zip(jobs, statuses, strict=True), JOB_FIELDS)
    return exit_status(statuses)


def wait_for(jobs: Sequence["Job"], timeout: float | None = None) -> "list[JobStatus]":
    """Waits until jobs have ended, and tells of their progress, or at least of failures."""
    from qai_hub.client.waits import wait_all

    statuses = [jobs[0].wait(timeout)] if len(jobs) == 1 else wait_all(jobs, timeout)
    for each, status in zip(jobs, statuses, strict=True):
        tell_failure(each, status)
    return statuses


def tell_failure(ended: "Job", status: "JobStatus") -> None:
    """Tells why a job has failed, unless its progress does."""
    if status.failure and not ended.verbose:
        print_error(f"{ended.job_id} has failed: {status.message or 'no reason given'}")


@job.command(examples=[("What the job's tools have written", "job logs jabc1234d")])
@job_argument
@click.option(
    "-o",
    "--output",
    type=click.Path(file_okay=False, path_type=Path),
    help="Write the files to this folder instead.",
)
@click.pass_obj
def logs(invocation: Invocation, job_id: str, output: Path | None) -> int:
    """Print the logs of a job, after waiting for its end."""
    found = invocation.client.get_job(job_id)
    if output is not None:
        for path in found.download_job_logs(str(output)):
            print_line(path)
        return 0
    with tempfile.TemporaryDirectory() as folder:
        paths = found.download_job_logs(folder)
        if not paths:
            raise CommandError(f"{job_id} has no logs.")
        for path in paths:
            if len(paths) > 1:
                print_info(f"{Path(path).name}:")
            _print_file(Path(path))
    return 0


def _print_file(path: Path) -> None:
    # As a file, its bytes; on a terminal, without what would move the cursor.
    if sys.stdout is not None and not is_terminal():
        sys.stdout.flush()
        with path.open("rb") as source:
            shutil.copyfileobj(source, sys.stdout.buffer)
        sys.stdout.buffer.flush()
        return
    with path.open("rb") as source:
        if b"\0" in source.read(4096):
            raise CommandError(f"{path.name} is no text: give -o FOLDER to write it to a file.")
    with path.open(encoding="utf-8", errors="replace") as lines:
        for line in lines:
            print_line(line.rstrip("\n").expandtabs())


@job.command(
    examples=[
        ("Everything that a job has made", "job download jabc1234d -o results"),
    ]
)
@jobs_argument
@click.option(
    "-o",
    "--output",
    type=click.Path(file_okay=False, path_type=Path),
    default=Path(),
    show_default="the current folder",
    help="The folder to write to.",
)
@click.pass_obj
def download(invocation: Invocation, job_ids: tuple[str, ...], output: Path) -> int:
    """Download the results of jobs, after waiting for their end, and print their paths.

    Exits with 1 if a job has failed.
    """
    statuses = []
    jobs = get_jobs(invocation.client, job_ids)
    for found in jobs:
        folder = output if len(jobs) == 1 else output / found.job_id
        before = _list_files(folder)
        status = found.download_results(str(folder)).status
        tell_failure(found, status)
        statuses.append(status)
        for path, written in _list_files(folder).items():
            if before.get(path) != written:
                print_line(str(path))
    return exit_status(statuses)


def _list_files(folder: Path) -> dict[Path, int]:
    """Returns the files in a folder, with the times at which they were written."""
    return {path: path.stat().st_mtime_ns for path in sorted(folder.rglob("*")) if path.is_file()}


@job.command(
    examples=[
        ("Share a job, with its models and results", "job share jabc1234d --add you@example.com"),
        ("See with whom it is shared", "job share jabc1234d"),
        ("End the sharing", "job share jabc1234d --off"),
    ]
)
@job_argument
@share_options
@click.pass_obj
def share(
    invocation: Invocation, job_id: str, add: tuple[str, ...], remove: tuple[str, ...], off: bool
) -> None:
    """Share a job, or list the people that it is shared with."""
    share_with(invocation.client.get_job(job_id), add, remove, off=off)


@job.command(examples=[("Give a job another name", 'job rename jabc1234d "Baseline"')])
@job_argument
@click.argument("name")
@click.pass_obj
def rename(invocation: Invocation, job_id: str, name: str) -> None:
    """Give a job another name."""
    invocation.client.get_job(job_id).set_name(name)
    print_line(job_id)


@job.command(
    examples=[("Cancel what is under way", "job list -q --state running | qai-hub job cancel -")]
)
@jobs_argument
@click.pass_obj
def cancel(invocation: Invocation, job_ids: tuple[str, ...]) -> None:
    """Cancel jobs that have not ended. JOB may be -, for the lines of standard input."""
    for job_id in read_ids(job_ids):
        status = invocation.client.cancel_job(job_id)
        print_line(job_id)
        print_info(f"{job_id} is {status.code}.")


@job.command("open", examples=[("The page of a job", "job open jabc1234d")])
@job_argument
@print_only_option
@click.pass_obj
def open_job(invocation: Invocation, job_id: str, print_only: bool) -> None:
    """Open the page of a job in a browser, and print its address."""
    open_page(invocation.client.get_job(job_id).url, print_only=print_only)
