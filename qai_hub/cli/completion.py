"""Completion of identifiers, devices and profiles, from the server.

Nothing here may print or fail: it runs while somebody types. What the server does not answer in
time is not completed.
"""

import os
import re
import threading
from collections.abc import Callable, Iterator
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING

import click
from click.shell_completion import BashComplete, CompletionItem, add_completion_class

from qai_hub.cli.invocation import Invocation

if TYPE_CHECKING:
    from qai_hub.client import Client

_SECONDS = 2.0
_MOST = 50

Complete = Callable[[click.Context, click.Parameter, str], list[CompletionItem]]


class SpacedBashComplete(BashComplete):
    """Completion for bash whose values may have spaces, as names of devices do."""

    name = "bash"

    def format_completion(self, item: CompletionItem) -> str:
        """Quotes a value, unless an open quotation mark does."""
        word = os.environ.get("COMP_WORDS", "").rsplit("\n", 1)[-1]
        if item.type == "plain" and not word.startswith(("'", '"')):
            quoted = re.sub(r"([^\w@%+=:,./-])", r"\\\1", item.value)
            return f"{item.type},{quoted}"
        return super().format_completion(item)


add_completion_class(SpacedBashComplete)


def _from_server(
    list_items: Callable[["Client"], Iterator[CompletionItem]],
) -> Complete:
    def complete(
        ctx: click.Context,
        parameter: click.Parameter,
        incomplete: str,
    ) -> list[CompletionItem]:
        found: list[CompletionItem] = []

        def ask() -> None:
            try:
                client = ctx.ensure_object(Invocation).client
                client.set_verbose(False)
                start = incomplete.lower()
                found.extend(
                    item for item in list_items(client) if item.value.lower().startswith(start)
                )
            except Exception:  # noqa: BLE001 - whatever is wrong, typing goes on
                found.clear()

        asking = threading.Thread(target=ask, daemon=True)
        asking.start()
        asking.join(_SECONDS)
        return [] if asking.is_alive() else found[:_MOST]

    return complete


def _jobs(client: "Client") -> Iterator[CompletionItem]:
    for job in client.get_job_summaries(limit=_MOST):
        yield CompletionItem(job.job_id, help=f"{job.name} {job.status.code}")


def _models(client: "Client") -> Iterator[CompletionItem]:
    for model in client.get_models(limit=_MOST):
        yield CompletionItem(model.model_id, help=model.name)


def _datasets(client: "Client") -> Iterator[CompletionItem]:
    for dataset in client.get_datasets(limit=_MOST):
        yield CompletionItem(dataset.dataset_id, help=dataset.name)


def _devices(client: "Client") -> Iterator[CompletionItem]:
    for name in dict.fromkeys(device.name for device in client.get_devices()):
        yield CompletionItem(name)


def _attributes(client: "Client") -> Iterator[CompletionItem]:
    yield from map(CompletionItem, client.get_device_attributes())


complete_jobs = _from_server(_jobs)
complete_models = _from_server(_models)
complete_datasets = _from_server(_datasets)
complete_devices = _from_server(_devices)
complete_attributes = _from_server(_attributes)


def complete_profiles(
    ctx: click.Context,
    parameter: click.Parameter,
    incomplete: str,
) -> list[CompletionItem]:
    """Completes the names of profiles, from the files."""
    folder = Path("~/.qai_hub").expanduser()
    names = sorted(path.stem for path in islice(folder.glob("*.ini"), _MOST))
    return [CompletionItem(name) for name in names if name.startswith(incomplete)]
