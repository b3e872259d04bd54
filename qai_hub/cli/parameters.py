"""Arguments and options that several commands share, and how their values are read."""

import ast
import itertools
import math
import re
import sys
import threading
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from datetime import datetime
from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Any, TextIO, TypeVar

import click

from qai_hub.cli.common import CommandError, print_info
from qai_hub.cli.completion import (
    complete_attributes,
    complete_datasets,
    complete_devices,
    complete_jobs,
    complete_models,
)
from qai_hub.cli.invocation import Invocation
from qai_hub.closest import why_no_file
from qai_hub.display.text import for_logs, short_repr

if TYPE_CHECKING:
    from qai_hub.client import Client, Dataset, Device, Job, Model

F = TypeVar("F", bound=Callable[..., Any])
T = TypeVar("T")

_JOB_ID = re.compile(r"j[a-z0-9]{6,}")
_MODEL_ID = re.compile(r"m[a-z0-9]{6,}")
_DATASET_ID = re.compile(r"d[a-z0-9]{6,}")
_FORMS = {"job": _JOB_ID, "model": _MODEL_ID, "dataset": _DATASET_ID}
# Of anything, also on other servers.
_ID = re.compile(r"[A-Za-z0-9_-]{1,64}")
_PAGE_SIZE = 100
# More than anybody reads; --all has no limit.
_MOST = 1_000_000
_LONGEST_LINE = 1_000_000
_LONGEST_SPECS = 10_000_000
_PARALLEL_REQUESTS = 8
_MAX_NAMES = 5


class InputSpecsType(click.ParamType[dict[str, Any]]):
    """A dictionary of shapes, as in Python or JSON; `@FILE` reads it from a file."""

    name = "specs"

    def convert(
        self,
        value: Any,  # noqa: ANN401 - click's signature
        param: click.Parameter | None,
        ctx: click.Context | None,
    ) -> dict[str, Any]:
        """Reads the dictionary, without running code."""
        if isinstance(value, dict):
            return value
        if value.startswith("@"):
            try:
                with Path(value[1:]).expanduser().open(encoding="utf-8") as file:
                    # A device may never end; what is cut is no dictionary.
                    value = file.read(_LONGEST_SPECS).strip()
            except (OSError, UnicodeDecodeError) as error:
                reason = getattr(error, "strerror", None) or "it is not UTF-8 text"
                self.fail(f"{value[1:]} cannot be read: {reason}.", param, ctx)
        try:
            specs = ast.literal_eval(value)
        except (ValueError, SyntaxError, MemoryError, RecursionError):
            specs = None
        if not isinstance(specs, dict):
            self.fail(
                f"{short_repr(value)} is not a dictionary of shapes, such as "
                "\"{'x': (1, 3, 224, 224)}\".",
                param,
                ctx,
            )
        # JSON has lists where Python has tuples.
        return {name: _tuples(spec) for name, spec in specs.items()}


class SecondsType(click.FloatRange):
    """A number of seconds that is not negative."""

    name = "seconds"

    def __init__(self) -> None:
        super().__init__(min=0)

    def convert(
        self,
        value: Any,  # noqa: ANN401 - click's signature
        param: click.Parameter | None,
        ctx: click.Context | None,
    ) -> float:
        """Reads the number, which may be infinite."""
        try:
            float(value)
        except ValueError:
            self.fail(f"{value!r} is not a number of seconds.", param, ctx)
        seconds: float = super().convert(value, param, ctx)
        if math.isnan(seconds):
            self.fail(f"{value!r} is not a number of seconds.", param, ctx)
        return seconds


class MomentType(click.ParamType[datetime]):
    """A date, which is its beginning, or a time in ISO 8601's form."""

    name = "time"

    def convert(
        self,
        value: Any,  # noqa: ANN401 - click's signature
        param: click.Parameter | None,
        ctx: click.Context | None,
    ) -> datetime:
        """Reads the time."""
        if isinstance(value, datetime):
            return value
        try:
            return datetime.fromisoformat(value)
        except ValueError:
            self.fail(
                f"{short_repr(value)} is no date or time, such as 2026-01-02 or 2026-01-02T15:30.",
                param,
                ctx,
            )


class CountType(click.IntRange):
    """A number of items, at least 1."""

    name = "number"

    def __init__(self) -> None:
        super().__init__(1, _MOST)

    def convert(
        self,
        value: Any,  # noqa: ANN401 - click's signature
        param: click.Parameter | None,
        ctx: click.Context | None,
    ) -> int:
        """Reads the number."""
        try:
            int(value)
        except ValueError:
            self.fail(f"{value!r} is not a whole number.", param, ctx)
        count: int = super().convert(value, param, ctx)
        return count


class SpreadOption(click.Option):
    """An option that takes all values up to the next option: `--models A B`."""

    def __init__(self, *args: Any, **settings: Any) -> None:  # noqa: ANN401 - what click takes
        super().__init__(*args, **settings | {"multiple": True})

    def add_to_parser(self, parser: Any, ctx: click.Context) -> None:  # noqa: ANN401 - click's
        """Makes the parser repeat the option before each further value."""
        super().add_to_parser(parser, ctx)
        parse_args = parser.parse_args

        def parse_spread(args: list[str]) -> Any:  # noqa: ANN401 - click's
            return parse_args(list(self._spread(args)))

        parser.parse_args = parse_spread

    def _spread(self, args: list[str]) -> Iterator[str]:
        inside = False
        for index, arg in enumerate(args):
            if arg.startswith("-") and arg != "-":
                inside = arg in self.opts
            elif inside and args[index - 1] not in self.opts:
                yield self.opts[0]
            yield arg


def device_options(*, several: bool) -> Callable[[F], F]:
    """Adds `--device`, `--device-attr` and `--device-os` to a command.

    Args:
        several: Whether several devices may be named, so that the value of `--device` is a tuple.
    """

    def add(command: F) -> F:
        for option in (
            click.option(
                "--device-os",
                metavar="VERSION",
                default="",
                help="Version of its operating system.",
            ),
            click.option(
                "--device-attr",
                metavar="KEY:VALUE",
                multiple=True,
                shell_complete=complete_attributes,
                help="An attribute of the device, such as chipset:qualcomm-snapdragon-8gen3; may "
                "be repeated.",
            ),
            click.option(
                "--device",
                metavar="NAME",
                multiple=several,
                shell_complete=complete_devices,
                help="Name of the device"
                + ("; may be repeated, for a job on each." if several else "."),
            ),
        ):
            command = option(command)
        return command

    return add


job_argument = click.argument("job_id", metavar="JOB", shell_complete=complete_jobs)
jobs_argument = click.argument(
    "job_ids", metavar="JOB...", nargs=-1, required=True, shell_complete=complete_jobs
)
model_argument = click.argument("model_id", metavar="MODEL", shell_complete=complete_models)
models_argument = click.argument(
    "model_ids", metavar="MODEL...", nargs=-1, required=True, shell_complete=complete_models
)
dataset_argument = click.argument("dataset_id", metavar="DATASET", shell_complete=complete_datasets)
datasets_argument = click.argument(
    "dataset_ids", metavar="DATASET...", nargs=-1, required=True, shell_complete=complete_datasets
)


def list_options(command: F) -> F:
    """Adds `--limit` and `--all` to a command, whose values `take` understands."""
    for option in (
        click.option("--all", "every", is_flag=True, help="All of them, as they arrive."),
        click.option(
            "-n",
            "--limit",
            metavar="NUMBER",
            type=CountType(),
            default=30,
            show_default="30",
            help="How many.",
        ),
    ):
        command = option(command)
    return command


def take(
    iterate: Callable[..., Iterator[T]],
    limit: int,
    *,
    every: bool,
    keep: Callable[[T], bool] | None = None,
) -> Iterator[T]:
    """Yields as many items of a list on the server as `list_options` ask for.

    Args:
        iterate: Returns the items; its `page_size` is how many it requests at once.
        limit: How many to take.
        every: Whether to take all of them.
        keep: Tells which items count; None for all.
    """
    is_long = every or keep is not None
    items = iterate(page_size=_PAGE_SIZE if is_long else min(limit, _PAGE_SIZE))
    if keep is not None:
        items = filter(keep, items)
    return items if every else itertools.islice(items, limit)


def input_specs_option(
    *names: str,
    help: str = "Shapes of the inputs, and their types: \"{'x': (1, 3, 224, 224)}\" or "  # noqa: A002 - as click calls it
    "\"{'x': ((24, 48), 'int32')}\"; or @FILE, which holds them.",
) -> Callable[[F], F]:
    """Returns the option for the shapes of a model's inputs, by its names."""
    return click.option(*names, metavar="SPECS", type=InputSpecsType(), help=help)


data_dir_option = click.option(
    "--data-dir",
    metavar="DIR",
    type=click.Path(file_okay=False, path_type=Path),
    default="~/.qai_hub/local",
    show_default=True,
    help="Folder for all data of the hub.",
)


def refuse_arguments(context: click.Context, advice: str) -> None:
    """Refuses further arguments without showing them: one that is a token by mistake is secret.

    The command needs the setting `allow_extra_args`, as click would show them.

    Raises:
        click.UsageError: There are some.
    """
    if context.args:
        raise click.UsageError(f"There are too many arguments. {advice}", context)


def make_device(name: str | None, attributes: Sequence[str], version: str) -> "Device | None":
    """Returns the device that the options describe; None if they describe none."""
    from qai_hub.client import Device

    if not (name or attributes or version):
        return None
    return Device(name or "", version, list(attributes))


def find_model(client: "Client", text: str) -> "Model | str":
    """Returns a model on the hub, or the path of a file that exists.

    Args:
        client: The client.
        text: A path, the identifier of a model, or that of a job, whose target model is taken. The
            job need not have ended, if the server names the model before.

    Raises:
        CommandError: It is none of these, or the job has no target model.
    """
    if _JOB_ID.fullmatch(text) and not Path(text).exists():
        return _get_target(client, text, exists=False)
    return _find(text, "model", _MODEL_ID, client.get_model)


def get_model(client: "Client", text: str) -> "Model":
    """Fetches a model by its identifier, or by that of the job that produces it, after its end.

    Raises:
        CommandError: The job has no target model.
    """
    is_job = _JOB_ID.fullmatch(text) is not None
    # A job does not tell all of its target model.
    return client.get_model(_get_target(client, text, exists=True).model_id if is_job else text)


@contextmanager
def local_model(invocation: Invocation, text: str) -> Iterator[Path]:
    """Provides the file of a model, which is downloaded if it is on the hub.

    Args:
        invocation: The run of the command.
        text: A path, which need not exist, or as for `get_model`.
    """
    is_on_hub = _JOB_ID.fullmatch(text) or _MODEL_ID.fullmatch(text)
    if not is_on_hub or Path(text).exists():
        yield Path(text)
        return
    found = get_model(invocation.client, text)
    with TemporaryDirectory(prefix="qai-hub-model-") as folder:
        yield Path(found.download(folder))


def _get_target(client: "Client", job_id: str, *, exists: bool) -> "Model":
    """Returns the target model of a job.

    Args:
        client: The client.
        job_id: Identifier of the job.
        exists: Whether to wait until the model exists.
    """
    from qai_hub.resources.compile import TargetModelJob

    job = client.get_job(job_id)
    if not isinstance(job, TargetModelJob):
        raise CommandError(
            f"{job_id} is a job of the type {job._type_name}, which makes no model: give the "
            "identifier of a compile, quantize or link job."
        )
    target = job.get_target_model()
    status = job.wait() if exists else job._last_status
    if status is not None and status.failure:
        reason = status.message or "no reason given"
        raise CommandError(f"{job_id} has made no model, since it has failed: {reason}")
    if target is None:
        raise CommandError(f"The server does not name the target model of {job_id}.")
    return target


def find_dataset(client: "Client", text: str) -> "Dataset | str":
    """Returns a dataset on the hub for its identifier, or the path of a file that exists.

    Raises:
        CommandError: It is neither.
    """
    return _find(text, "dataset", _DATASET_ID, client.get_dataset)


def _find(text: str, noun: str, form: re.Pattern[str], fetch: Callable[[str], T]) -> T | str:
    if Path(text).exists():
        return text
    if form.fullmatch(text):
        return fetch(text)
    other = next((kind for kind, each in _FORMS.items() if each.fullmatch(text)), None)
    if other is not None:
        raise CommandError(
            f"There is no file {text!r}, and as an identifier it is that of a {other}, not of "
            f"a {noun}: `qai-hub {noun} list` shows those."
        )
    if (reason := why_no_file(Path(text))) != ".":
        raise CommandError(f"There is no file {text!r}{reason}")
    raise CommandError(
        f"There is no file {text!r}, and it is no identifier of a {noun}: "
        f"`qai-hub {noun} list` shows those."
    )


def read_ids(given: Sequence[str], nouns: str) -> list[str]:
    """Returns the identifiers of an argument; `-` stands for the lines of standard input.

    Args:
        given: The values of the argument.
        nouns: What they identify, such as `jobs`: people are told if standard input has none.

    Raises:
        CommandError: Standard input is closed, has something else, or does not seem to end.
    """
    found = list(_read_ids(given))
    if not found:
        print_info(f"No {nouns}.")
    return list(dict.fromkeys(found))


def yes_option(command: F) -> F:
    """Adds `--yes` to a command that asks before it does what cannot be undone."""
    return click.option("-y", "--yes", is_flag=True, help="Do not ask; in a pipe, nothing is.")(
        command
    )


def is_asked() -> bool:
    """Returns whether somebody could answer a question."""
    return sys.stdin is not None and sys.stdin.isatty()


def confirm(question: str) -> None:
    """Asks whether to go on.

    Raises:
        CommandError: The answer is no.
    """
    if not click.confirm(for_logs(question), err=True):
        raise CommandError("Nothing was changed.")


def confirm_deletion(names: Sequence[str]) -> None:
    """Asks whether to delete what has these names.

    Raises:
        CommandError: The answer is no.
    """
    more = f" and {len(names) - _MAX_NAMES} more" if len(names) > _MAX_NAMES else ""
    confirm(f"Delete {', '.join(names[:_MAX_NAMES])}{more}?")


def get_jobs(client: "Client", given: Sequence[str]) -> "list[Job]":
    """Fetches the jobs of an argument, several at a time."""
    from qai_hub.transport.threads import run_in_threads

    tasks = [partial(client.get_job, job_id) for job_id in read_ids(given, "jobs")]
    if len(tasks) == 1:
        return [tasks[0]()]
    return run_in_threads(tasks, threading.Event(), _PARALLEL_REQUESTS)


def _read_ids(given: Sequence[str]) -> Iterable[str]:
    for each in given:
        if each != "-":
            yield each
        elif sys.stdin is None:
            raise CommandError("Standard input is closed: there is nothing to read.")
        else:
            yield from _read_lines(sys.stdin)


def _read_lines(stream: TextIO) -> Iterator[str]:
    """Reads identifiers up to the first line that has none, as the stream may never end."""
    for number in itertools.count(1):
        try:
            line = stream.readline(_LONGEST_LINE)
        except UnicodeDecodeError:
            # What is not UTF-8 is no identifier.
            line = "\ufffd"
        if not line:
            return
        # The first field of each line, so that a list in TSV can be piped as well.
        field = next(iter(line.split(maxsplit=1)), "")
        if number > _MOST:
            problem = f"has more than {_MOST:,} lines"
        elif not line.isspace() and not _ID.fullmatch(field):
            problem = f"has no identifier in line {number:,}"
        elif len(line) == _LONGEST_LINE:
            problem = f"has more than {_LONGEST_LINE:,} characters in line {number:,}"
        else:
            if field:
                yield field
            continue
        raise CommandError(f"Standard input {problem}: write one identifier on each line.")


def _tuples(value: object) -> object:
    return tuple(map(_tuples, value)) if isinstance(value, list | tuple) else value
