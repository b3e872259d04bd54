"""`qai-hub model`: uploads, lists, shows, downloads, shares and deletes models."""

from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

import click

from qai_hub.cli.common import print_line
from qai_hub.cli.downloads import download_file, output_file_option
from qai_hub.cli.groups import HubGroup
from qai_hub.cli.invocation import Invocation
from qai_hub.cli.output import Field, output_options, print_record, print_rows
from qai_hub.cli.parameters import (
    confirm_deletion,
    get_model,
    is_asked,
    list_options,
    model_argument,
    models_argument,
    read_ids,
    take,
    yes_option,
)
from qai_hub.cli.sharing import share_options, share_with
from qai_hub.cli.web import open_page, print_only_option

if TYPE_CHECKING:
    from qai_hub.client import IOSpec, Model


def _tensor_texts(graphs: "IOSpec") -> list[str]:
    return [
        f"{f'{graph}/' if graph else ''}{tensor.name}: {tensor.dtype}{list(tensor.shape or ())}"
        for graph, tensors in graphs.items()
        for tensor in tensors
    ]


def _type_text(model: "Model") -> str | None:
    from qai_hub.client import SourceModelType

    kind = model.model_type
    return None if kind is SourceModelType.UNRECOGNIZED_MODEL_TYPE else kind.name.lower()


MODEL_FIELDS = (
    Field("id", lambda model: model.model_id, keep_whole=True),
    Field("type", _type_text, keep_whole=True),
    Field("created", lambda model: model.date, keep_whole=True, spare=1),
    Field("producer", lambda model: model._producer_id, keep_whole=True, spare=2),
    Field("exists", lambda model: model._exists, keep_whole=True, spare=3),
    Field("name", lambda model: model.name, least=20),
    Field("url", lambda model: model.url, in_table=False),
)
# What the server has told: the public attributes wait for the job that produces the model.
_DETAIL_FIELDS = (
    *MODEL_FIELDS,
    Field("inputs", lambda model: _tensor_texts(model._input_spec or {})),
    Field("outputs", lambda model: _tensor_texts(model._output_spec or {})),
    Field(
        "metadata",
        lambda model: {key.name.lower(): value for key, value in (model._metadata or {}).items()},
    ),
)


def print_model(invocation: Invocation, found: "Model") -> None:
    """Prints a model as a record."""
    print_record(invocation, found, _DETAIL_FIELDS)


@click.group(cls=HubGroup)
def model() -> None:
    """Upload, list, download and share models."""


@model.command(
    examples=[
        ("Upload a model, and use its identifier", "model upload model.onnx"),
        ("With another name", 'model upload model.onnx --name "Classifier"'),
        ("Unless the same file is there", "model upload model.onnx --reuse"),
    ]
)
@click.argument("path", type=click.Path(path_type=Path))
@click.option("--name", metavar="NAME", help="Name to show; that of the file if absent.")
@click.option("--project", metavar="ID", help="Project of the model.")
@click.option(
    "--reuse", is_flag=True, help="Take a model of the same content that you have uploaded before."
)
@output_options(MODEL_FIELDS)
@click.pass_obj
def upload(
    invocation: Invocation, path: Path, name: str | None, project: str | None, *, reuse: bool
) -> None:
    """Upload a model, and print its identifier."""
    uploaded = invocation.client.upload_model(str(path), name, project, reuse=reuse)
    if invocation.prints_identifier:
        print_line(uploaded.model_id)
    else:
        print_record(invocation, uploaded, MODEL_FIELDS)


@model.command(
    "list",
    examples=[
        ("The latest models", "model list"),
        ("All of them, for a script", "model list --all -q"),
        ("Those that jobs have made", "model list --produced"),
    ],
)
@click.option(
    "--produced/--uploaded",
    default=None,
    help="Only models that jobs produce, or only those that were uploaded.",
)
@click.option("--project", metavar="ID", help="Models of this project.")
@list_options
@output_options(MODEL_FIELDS)
@click.pass_obj
def list_models(
    invocation: Invocation,
    produced: bool | None,
    project: str | None,
    limit: int,
    every: bool,
) -> None:
    """List models, the latest first.

    Target models do not exist before their jobs have succeeded.
    """

    def is_wanted(listed: "Model") -> bool:
        return (listed._producer_id is not None) is produced

    models = take(
        partial(invocation.client.iter_models, project),
        limit,
        every=every,
        keep=None if produced is None else is_wanted,
    )
    print_rows(invocation, models, MODEL_FIELDS, empty="No models.")


@model.command(examples=[("A model, with its inputs and outputs", "model show mabc1234d")])
@model_argument
@output_options(_DETAIL_FIELDS)
@click.pass_obj
def show(invocation: Invocation, model_id: str) -> None:
    """Show a model.

    MODEL is its identifier, or that of the job that produces it, whose end is waited for.
    """
    print_model(invocation, get_model(invocation.client, model_id))


@model.command(examples=[("A model, as target.onnx", "model download mabc1234d -o target.onnx")])
@model_argument
@output_file_option("as on the hub")
@click.pass_obj
def download(invocation: Invocation, model_id: str, output: str, force: bool) -> None:
    """Download a model, and print the path of the file.

    MODEL is its identifier, or that of the job that produces it. Waits for the job's end. No file
    is replaced without --force.
    """

    def fetch(path: str) -> str:
        return get_model(invocation.client, model_id).download(path)

    if path := download_file(output, model_id, fetch, force=force):
        print_line(str(path))


@model.command(
    examples=[("Share a model with a colleague", "model share mabc1234d --add you@example.com")]
)
@model_argument
@share_options
@click.pass_obj
def share(
    invocation: Invocation, model_id: str, add: tuple[str, ...], remove: tuple[str, ...], off: bool
) -> None:
    """Share a model, or list the people that it is shared with."""
    share_with(get_model(invocation.client, model_id), add, remove, off=off)


@model.command(examples=[("Delete a model", "model delete mabc1234d")])
@models_argument
@yes_option
@click.pass_obj
def delete(invocation: Invocation, model_ids: tuple[str, ...], yes: bool) -> None:
    """Delete models. MODEL may be -, for the lines of standard input.

    Asks on a terminal, unless --yes is given.
    """
    ids = read_ids(model_ids, "models")
    client = invocation.client
    if not yes and ids and is_asked():
        found = [client.get_model(each) for each in ids]
        confirm_deletion([f"the model {each.model_id} {each.name!r}" for each in found])
    for model_id in ids:
        client.get_model(model_id).delete()
        print_line(model_id)


@model.command("open", examples=[("The page of a model", "model open mabc1234d")])
@model_argument
@print_only_option
@click.pass_obj
def open_model(invocation: Invocation, model_id: str, print_only: bool) -> None:
    """Open the page of a model in a browser, and print its address."""
    open_page(get_model(invocation.client, model_id).url, print_only=print_only)
