"""`qai-hub job`: lists, shows, waits for, downloads, shares, renames and cancels jobs."""

import os
import shutil
import stat
import sys
import tempfile
from collections.abc import Sequence
from datetime import datetime
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, TextIO

import click

from qai_hub.cli.common import CommandError, print_error, print_info, print_line
from qai_hub.cli.completion import complete_devices, complete_models
from qai_hub.cli.downloads import STANDARD_OUTPUT, download_files, output_folder_option
from qai_hub.cli.groups import HubGroup
from qai_hub.cli.invocation import Invocation
from qai_hub.cli.job_fields import (
    CANCELLED,
    JOB_FIELDS,
    SUMMARY_FIELDS,
    ShownJob,
    list_unfinished_states,
    tell_results,
)
from qai_hub.cli.output import (
    is_terminal,
    output_options,
    print_record,
    print_rows,
    select_list_fields,
)
from qai_hub.cli.parameters import (
    MomentType,
    SecondsType,
    get_jobs,
    job_argument,
    jobs_argument,
    list_options,
    take,
)
from qai_hub.cli.sharing import share_options, share_with
from qai_hub.cli.slips import Choice
from qai_hub.cli.web import open_page, print_only_option
from qai_hub.progress.github import is_github_actions

if TYPE_CHECKING:
    from qai_hub.client import Job, JobStatus

FAILED = 1

_TYPES = ("compile", "profile", "inference", "quantize", "link")
# One type to the server.
_RUN_TYPES = ("profile", "inference")
_STATES = ("running", "success", "failed", "cancelled")


def print_job(invocation: Invocation, job: "Job", status: "JobStatus") -> None:
    """Prints a job as a record."""
    print_record(invocation, ShownJob(job, status), JOB_FIELDS)


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
        ("Jobs of this year with a name", "job list --name classifier --after 2026-01-01"),
        ("Wait for all that are under way", "job list -q --state running | qai-hub job wait -"),
        ("All jobs, as a JSON object on each line", "job list --all --format jsonl"),
    ],
)
@click.option("--type", "kind", type=Choice(_TYPES), help="Jobs of this type.")
@click.option("--state", type=Choice(_STATES), help="Jobs in this state.")
@click.option("--creator", metavar="EMAIL", help="Jobs that this user has submitted.")
@click.option("--project", metavar="ID", help="Jobs of this project.")
@click.option("--name", metavar="TEXT", help="Jobs with this in their name or identifier.")
@click.option(
    "--device",
    metavar="TEXT",
    shell_complete=complete_devices,
    help="Jobs for devices with this in their name.",
)
@click.option(
    "--model",
    metavar="MODEL",
    shell_complete=complete_models,
    help="Jobs that use or make this model.",
)
@click.option(
    "--after",
    type=MomentType(),
    metavar="TIME",
    help="Jobs submitted at this time or later: 2026-01-02 or 2026-01-02T15:30, local without an "
    "offset such as Z.",
)
@click.option(
    "--before", type=MomentType(), metavar="TIME", help="Jobs submitted before this time."
)
@list_options
@output_options(SUMMARY_FIELDS)
@click.pass_obj
def list_jobs(
    invocation: Invocation,
    kind: str | None,
    state: str | None,
    creator: str | None,
    project: str | None,
    name: str | None,
    device: str | None,
    model: str | None,
    after: datetime | None,
    before: datetime | None,
    limit: int,
    every: bool,
) -> None:
    """List jobs, the latest first.

    The filters by name, device, model and time need a local hub; capitals make no difference. A
    profile job is an inference job that only profiles, without inputs. Cancelled jobs are failed
    jobs as well, and those that are queued are running.
    """
    from qai_hub.client import JobStatus, JobType

    states = {
        None: None,
        "running": list_unfinished_states(),
        "success": [JobStatus.State.SUCCESS],
        "failed": [JobStatus.State.FAILED],
        "cancelled": [JobStatus.State.FAILED],
    }[state]
    # Summaries are fetched faster, but lack the inputs and why a job has failed.
    needs_jobs = kind in _RUN_TYPES or state == "cancelled"
    needs_jobs |= any(each.is_detail for each in select_list_fields(invocation, SUMMARY_FIELDS))
    client = invocation.client
    iterate = partial(
        client.iter_jobs if needs_jobs else client.iter_job_summaries,
        creator=creator,
        state=states,
        type=JobType[kind.upper()] if kind else None,
        project=project,
        name=name,
        device=device,
        model=model,
        after=after,
        before=before,
    )

    def is_wanted(found: Any) -> bool:  # noqa: ANN401 - a job or a summary
        if kind in _RUN_TYPES and found._type_name != kind:
            return False
        return state != "cancelled" or found.failure_type == CANCELLED

    jobs = take(iterate, limit, every=every, keep=is_wanted if needs_jobs else None)
    print_rows(invocation, jobs, SUMMARY_FIELDS, empty="No jobs.")


@job.command(
    examples=[
        ("A job, with its reason if it failed", "job show jabc1234d"),
        ("Its state alone", "job show jabc1234d --format tsv --fields state"),
        (
            "What the latest jobs have made",
            "job list -q | qai-hub job show - --json id,target_model",
        ),
    ]
)
@jobs_argument
@output_options(JOB_FIELDS)
@click.pass_obj
def show(invocation: Invocation, job_ids: tuple[str, ...]) -> None:
    """Show a job; several as a list. JOB may be -, for the lines of standard input."""
    jobs = [
        ShownJob(found, found._last_status or found.get_status())
        for found in get_jobs(invocation.client, job_ids)
    ]
    if len(job_ids) == 1 and job_ids[0] != "-":
        print_record(invocation, jobs[0], JOB_FIELDS)
    else:
        print_rows(invocation, jobs, JOB_FIELDS)


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
    invocation.shows_ended = True
    jobs = get_jobs(invocation.client, job_ids)
    statuses = wait_for(jobs, timeout)
    if invocation.prints_rows:
        print_rows(invocation, map(ShownJob, jobs, statuses), JOB_FIELDS)
    else:
        tell_results(jobs, statuses)
    return exit_status(statuses)


def wait_for(jobs: Sequence["Job"], timeout: float | None = None) -> "list[JobStatus]":
    """Waits until jobs have ended, and tells of their progress, or at least of failures."""
    from qai_hub.client.waits import wait_for_fetched

    one = len(jobs) == 1
    statuses = [jobs[0].wait(timeout)] if one else wait_for_fetched(jobs, timeout)
    for each, status in zip(jobs, statuses, strict=True):
        tell_failure(each, status)
    return statuses


def tell_failure(ended: "Job", status: "JobStatus", *, is_known: bool = False) -> None:
    """Tells why a job has failed, unless its progress does.

    Args:
        ended: The job.
        status: Its status.
        is_known: Whether it had failed before the command began, which progress does not tell.
    """
    if status.failure and (is_known or not ended.verbose):
        print_error(f"{ended.job_id} has failed: {status.message or 'no reason given'}")


@job.command(examples=[("What the job's tools have written", "job logs jabc1234d")])
@job_argument
@output_folder_option(help="Write the files to this folder instead.")
@click.pass_obj
def logs(invocation: Invocation, job_id: str, output: Path | None, force: bool) -> int:
    """Print the logs of a job, after waiting for its end.

    A log whose lines are all in another one is left out; -o writes all of them, and replaces no
    file without --force. Servers keep the logs of jobs that have ended only; until then, a terminal
    shows the state of the job.
    """
    found = invocation.client.get_job(job_id)
    if output is not None and str(output) != STANDARD_OUTPUT:
        written = download_files(
            output, job_id, lambda folder: found.download_job_logs(str(folder)), force=force
        )
        for file in written:
            print_line(str(file))
        return 0
    with tempfile.TemporaryDirectory() as folder:
        written = _leave_out_copies([Path(path) for path in found.download_job_logs(folder)])
        if not written:
            raise CommandError(f"{job_id} has no logs.")
        for log in written:
            if len(written) > 1:
                print_info(f"{log.name}:")
            _print_file(log)
    return 0


def _leave_out_copies(logs: list[Path]) -> list[Path]:
    """Returns the logs without those whose lines are all in one that is kept."""
    kept: dict[Path, set[bytes]] = {}
    for path in sorted(logs, key=lambda log: log.stat().st_size, reverse=True):
        lines = set(path.read_bytes().splitlines())
        if not any(lines <= others for others in kept.values()):
            kept[path] = lines
    return [path for path in logs if path in kept]


def _print_file(path: Path) -> None:
    # As a file, its bytes; where people read it, without what would steer a terminal or a runner.
    if sys.stdout is not None and not is_terminal() and not _is_read_by_runner(sys.stdout):
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


def _is_read_by_runner(stream: TextIO) -> bool:
    """Returns whether a runner of GitHub Actions obeys commands in what is written."""
    if not is_github_actions(os.environ):
        return False
    try:
        return not stat.S_ISREG(os.fstat(stream.fileno()).st_mode)
    except OSError:
        # It is a stream of Python's alone, and whoever reads it may write to the log.
        return True


@job.command(
    examples=[
        ("Everything that a job has made", "job download jabc1234d -o results"),
    ]
)
@jobs_argument
@output_folder_option(
    default=Path(), show_default="the current folder", help="The folder to write to."
)
@click.pass_obj
def download(invocation: Invocation, job_ids: tuple[str, ...], output: Path, force: bool) -> int:
    """Download the results of jobs, after waiting for their end, and print their paths.

    Exits with 1 if a job has failed. No file is replaced without --force.
    """
    if str(output) == STANDARD_OUTPUT:
        raise click.UsageError(
            "-o is a folder here: `model download` and `dataset download` write a single file to "
            "standard output."
        )
    statuses = []
    jobs = get_jobs(invocation.client, job_ids)
    for found in jobs:
        folder = output if len(jobs) == 1 else output / found.job_id
        statuses.append(_download_results(found, folder, force=force))
    return exit_status(statuses)


def _download_results(found: "Job", folder: Path, *, force: bool) -> "JobStatus":
    statuses: list[JobStatus] = []
    known = found._last_status

    def fetch(place: Path) -> None:
        status = found.download_results(str(place)).status
        tell_failure(found, status, is_known=known is not None and known.finished)
        statuses.append(status)

    for path in download_files(folder, found.job_id, fetch, force=force):
        print_line(str(path))
    return statuses[0]


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
    for found in get_jobs(invocation.client, job_ids):
        status = found.cancel()
        print_line(found.job_id)
        if found.failure_type == CANCELLED:
            print_info(f"{found.job_id} is cancelled.")
        else:
            print_info(f"{found.job_id} had ended already: {status.code}.")


@job.command("open", examples=[("The page of a job", "job open jabc1234d")])
@job_argument
@print_only_option
@click.pass_obj
def open_job(invocation: Invocation, job_id: str, print_only: bool) -> None:
    """Open the page of a job in a browser, and print its address."""
    open_page(invocation.client.get_job(job_id).url, print_only=print_only)
