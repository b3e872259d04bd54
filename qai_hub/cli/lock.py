"""`qai-hub lock`: writes what went into jobs to a file, repeats them from it, and compares."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import click

from qai_hub.cli.common import print_info, print_line
from qai_hub.cli.completion import complete_files
from qai_hub.cli.downloads import (
    STANDARD_OUTPUT,
    force_option,
    name_standard_output,
    refuse_existing,
)
from qai_hub.cli.groups import HubGroup
from qai_hub.cli.invocation import Invocation
from qai_hub.cli.output import Field, output_options, print_rows, to_json
from qai_hub.cli.parameters import jobs_argument, read_ids
from qai_hub.written_files import check_place

if TYPE_CHECKING:
    from qai_hub.client import JobLock, LockedFile, LockedJob

F = TypeVar("F", bound=Callable[..., Any])

_DIFFERS = 1
_DEFAULT = "hub.lock"


def _files(files: "dict[str, LockedFile]") -> list[str]:
    return [f"{name}: {file.describe()}" for name, file in files.items()]


LOCKED_FIELDS = (
    Field("id", lambda locked: locked.id, keep_whole=True),
    Field("type", lambda locked: locked.type, keep_whole=True),
    Field("options", lambda locked: locked.options, spare=2),
    Field("device", lambda locked: [each.name for each in locked.devices], spare=3),
    Field("inputs", lambda locked: _files(locked.inputs), least=20),
    Field("outputs", lambda locked: _files(dict(locked.outputs)), least=20),
    Field("tools", lambda locked: dict(locked.tools), in_table=False),
    Field("numbers", lambda locked: dict(locked.numbers), in_table=False),
    Field("gaps", lambda locked: list(locked.gaps), spare=1),
)
DIFFERENCE_FIELDS = (
    Field("job", lambda each: each.job, keep_whole=True),
    Field("kind", lambda each: each.kind, keep_whole=True),
    Field("name", lambda each: each.name),
    Field("locked", lambda each: each.locked, least=20),
    Field("found", lambda each: each.found, least=20),
)

_lock_argument = click.argument(
    "path",
    metavar="[LOCK]",
    type=click.Path(path_type=Path),
    default=_DEFAULT,
    shell_complete=complete_files,
)


def _output_option(text: str, default: str | None = None) -> Callable[[F], F]:
    return click.option(
        "-o",
        "--output",
        metavar="PATH",
        type=click.Path(path_type=Path),
        default=default,
        show_default=default is not None,
        shell_complete=complete_files,
        callback=name_standard_output,
        help=text,
    )


@click.group(cls=HubGroup)
def lock() -> None:
    """Write what went into jobs to a file, repeat them from it, and compare."""


@lock.command(
    examples=[
        ("A job, and all that its model comes from, in hub.lock", "lock write jabc1234d"),
        ("Several in one file", "lock write jabc1234d jefg5678h -o release.lock"),
    ]
)
@jobs_argument
@_output_option("The file to write; - for standard output.", _DEFAULT)
@force_option
@output_options(LOCKED_FIELDS)
@click.pass_obj
def write(invocation: Invocation, job_ids: tuple[str, ...], output: Path, force: bool) -> None:
    """Write what went into jobs, and into all jobs that their models come from, to a file.

    Waits for their end. JOB may be -, for the lines of standard input. What the service does not
    tell of a file is found out by downloading it. No file is replaced without --force.
    """
    is_printed = str(output) == STANDARD_OUTPUT
    if is_printed and invocation.prints_rows:
        raise click.UsageError("Standard output has the lock: leave out the format, or -o -.")
    ids = read_ids(job_ids, "jobs")
    if not ids:
        return
    if not is_printed:
        _check_output(output, force=force)
    locked = invocation.client.lock_jobs(ids)
    if is_printed:
        print_line(to_json(json.loads(locked.to_json()), indent=2))
    else:
        locked.save(output)
    _tell_gaps(locked)
    if is_printed:
        return
    if invocation.prints_rows:
        print_rows(invocation, locked.jobs, LOCKED_FIELDS)
    else:
        print_line(str(output))


@lock.command(examples=[("What hub.lock has", "lock show"), ("All of it", "lock show --json")])
@_lock_argument
@output_options(LOCKED_FIELDS)
@click.pass_obj
def show(invocation: Invocation, path: Path) -> None:
    """Show the jobs of LOCK (hub.lock)."""
    print_rows(invocation, _load(path).jobs, LOCKED_FIELDS)


@lock.command(
    examples=[
        ("Do the jobs of hub.lock give the same?", "lock replay"),
        ("On a hub that has none of their models", "lock replay release.lock --files models/"),
    ]
)
@_lock_argument
@click.option(
    "--files",
    metavar="FOLDER",
    type=click.Path(path_type=Path),
    shell_complete=complete_files,
    help="Folder with models and data, searched with its subfolders for what the hub lacks.",
)
@_output_option("Write a lock of the new jobs to this file.")
@force_option
@output_options(DIFFERENCE_FIELDS)
@click.pass_obj
def replay(
    invocation: Invocation, path: Path, files: Path | None, output: Path | None, force: bool
) -> int:
    """Carry out the jobs of LOCK (hub.lock) again, and tell what differs.

    Exits with 0 if all that comes out is the same, and with 1 otherwise. Models and data are found
    on the hub by their content. A local hub makes all target models anew.
    """
    if str(output) == STANDARD_OUTPUT:
        raise click.UsageError("Standard output has what differs: give the path of a file with -o.")
    locked = _load(path)
    if output is not None:
        _check_output(output, force=force)
    repeated = invocation.client.replay_lock(locked, files)
    try:
        if output is not None:
            repeated.lock.save(output)
    finally:
        # The jobs may have taken hours.
        print_rows(invocation, repeated.differences, DIFFERENCE_FIELDS)
        if not invocation.is_quiet:
            print_info(f"The results are {'' if repeated.is_same else 'not '}those of {path}.")
    return 0 if repeated.is_same else _DIFFERS


@lock.command(
    examples=[("What has changed since the last release", "lock diff release.lock hub.lock")]
)
@click.argument(
    "first", metavar="LOCK", type=click.Path(path_type=Path), shell_complete=complete_files
)
@click.argument(
    "second", metavar="OTHER", type=click.Path(path_type=Path), shell_complete=complete_files
)
@output_options(DIFFERENCE_FIELDS)
@click.pass_obj
def diff(invocation: Invocation, first: Path, second: Path) -> int:
    """Compare the jobs of LOCK with those of OTHER, in order.

    Exits with 0 if they are the same, and with 1 otherwise. Identifiers do not count.
    """
    found = _load(first).compare(_load(second))
    print_rows(invocation, found, DIFFERENCE_FIELDS, empty="No differences.")
    return _DIFFERS if found else 0


def _check_output(output: Path, *, force: bool) -> None:
    """Refuses, before jobs are submitted or waited for, a path that could not be written after."""
    refuse_existing([output.expanduser()], force=force)
    check_place(output.expanduser())


def _load(path: Path) -> "JobLock":
    from qai_hub.client import JobLock

    return JobLock.load(path)


def _tell_gaps(locked: "JobLock") -> None:
    gaps: list[tuple[LockedJob, str]] = [(job, gap) for job in locked.jobs for gap in job.gaps]
    for job, gap in gaps:
        print_info(f"{job.id}: not locked: {gap}")
