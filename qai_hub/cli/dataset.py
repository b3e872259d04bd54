"""`qai-hub dataset`: uploads, lists, shows, downloads, shares and deletes datasets."""

from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

import click

from qai_hub.cli.common import CommandError, print_line
from qai_hub.cli.downloads import (
    STANDARD_OUTPUT,
    download_file,
    output_file_option,
    refuse_existing,
)
from qai_hub.cli.groups import HubGroup
from qai_hub.cli.invocation import Invocation
from qai_hub.cli.output import Field, output_options, print_record, print_rows
from qai_hub.cli.parameters import (
    confirm_deletion,
    dataset_argument,
    datasets_argument,
    is_asked,
    list_options,
    read_ids,
    take,
    yes_option,
)
from qai_hub.cli.sharing import share_options, share_with
from qai_hub.cli.staging import staging_folder

if TYPE_CHECKING:
    from qai_hub.client import Client, Dataset

DATASET_FIELDS = (
    Field("id", lambda dataset: dataset.dataset_id, keep_whole=True),
    Field("created", lambda dataset: dataset.creation_time, keep_whole=True, spare=1),
    Field("expires", lambda dataset: dataset.expiration_time, keep_whole=True, spare=2),
    Field("name", lambda dataset: dataset.name, least=20),
)


@click.group(cls=HubGroup)
def dataset() -> None:
    """Upload, list, download and share datasets."""


@dataset.command(
    examples=[
        ("Upload the inputs of one inference", "dataset upload inputs.npz"),
        ("Upload calibration data, a folder of .npz files", "dataset upload samples/"),
    ]
)
@click.argument("path", type=click.Path(path_type=Path))
@click.option("--name", metavar="NAME", help="Name to show.")
@click.option("--project", metavar="ID", help="Project of the dataset.")
@output_options(DATASET_FIELDS)
@click.pass_obj
def upload(invocation: Invocation, path: Path, name: str | None, project: str | None) -> None:
    """Upload a dataset, and print its identifier.

    PATH is a .npz file with an array for each input, by its name: one sample. Or a folder of such
    files, a sample in each, in the order of their names. Or an HDF5 file, as `dataset download`
    writes it.
    """
    uploaded = invocation.client.upload_dataset(str(path), name, project)
    if invocation.prints_identifier:
        print_line(uploaded.dataset_id)
    else:
        print_record(invocation, uploaded, DATASET_FIELDS)


@dataset.command("list", examples=[("The latest datasets", "dataset list")])
@list_options
@output_options(DATASET_FIELDS)
@click.pass_obj
def list_datasets(invocation: Invocation, limit: int, every: bool) -> None:
    """List datasets, the latest first."""
    datasets = take(invocation.client.iter_datasets, limit, every=every)
    print_rows(invocation, datasets, DATASET_FIELDS, empty="No datasets.")


@dataset.command(examples=[("When a dataset expires", "dataset show dabc1234d")])
@dataset_argument
@output_options(DATASET_FIELDS)
@click.pass_obj
def show(invocation: Invocation, dataset_id: str) -> None:
    """Show a dataset."""
    print_record(invocation, invocation.client.get_dataset(dataset_id), DATASET_FIELDS)


@dataset.command(
    examples=[
        ("A dataset as an HDF5 file", "dataset download dabc1234d -o samples.h5"),
        ("The outputs of a job on one sample", "dataset download jabc1234d -o outputs.npz"),
        ("On several, in a folder", "dataset download jabc1234d --npz -o outputs"),
    ]
)
@dataset_argument
@output_file_option("ID.h5")
@click.option(
    "--npz",
    is_flag=True,
    help="Write .npz files, one for each sample, into the folder of -o, called ID if absent.",
)
@click.pass_obj
def download(invocation: Invocation, dataset_id: str, output: str, npz: bool, force: bool) -> None:
    """Download a dataset, and print the path of the file.

    It is an HDF5 file, or a .npz file if -o ends so, which can hold one sample. With --npz, these
    are .npz files, and the path of each is printed. DATASET may be an inference job, for its
    outputs, which are waited for. No file is replaced without --force.
    """
    from qai_hub.numpy_files import is_npz

    def fetch(path: str) -> str:
        return _find(invocation.client, dataset_id).download(path)

    if npz and output == STANDARD_OUTPUT:
        raise click.UsageError("--npz writes a folder: give its path with -o.")
    if npz or is_npz(Path(output)):
        target = Path(dataset_id if output == "." else output)
        for path in _download_npz(fetch, dataset_id, target, force=force):
            print_line(str(path))
    elif path_of_file := download_file(
        output, dataset_id, fetch, name=f"{dataset_id}.h5", force=force
    ):
        print_line(str(path_of_file))


def _find(client: "Client", text: str) -> "Dataset":
    """Returns a dataset by its identifier, or by that of the job that has it as its outputs."""
    from qai_hub.client import InferenceJob

    if not text.startswith("j"):
        return client.get_dataset(text)
    job = client.get_job(text)
    outputs = job.get_output_dataset() if isinstance(job, InferenceJob) else None
    if outputs is None:
        raise CommandError(
            f"{text} has no outputs: those have inference jobs with inputs that succeed. "
            f"`qai-hub job show {text}` tells how it is."
        )
    return outputs


def _download_npz(
    fetch: Callable[[str], str], dataset_id: str, target: Path, *, force: bool
) -> list[Path]:
    from qai_hub.dataset_file import h5_to_npz

    if not target.is_dir():
        refuse_existing([target], force=force)
    check = partial(refuse_existing, force=force)
    with staging_folder(target.parent, dataset_id) as staging:
        return h5_to_npz(fetch(str(staging / "data.h5")), target, check=check)


@dataset.command(
    examples=[("Share a dataset with a colleague", "dataset share dabc1234d --add you@example.com")]
)
@dataset_argument
@share_options
@click.pass_obj
def share(
    invocation: Invocation,
    dataset_id: str,
    add: tuple[str, ...],
    remove: tuple[str, ...],
    off: bool,
) -> None:
    """Share a dataset, or list the people that it is shared with."""
    share_with(invocation.client.get_dataset(dataset_id), add, remove, off=off)


@dataset.command(examples=[("Delete a dataset", "dataset delete dabc1234d")])
@datasets_argument
@yes_option
@click.pass_obj
def delete(invocation: Invocation, dataset_ids: tuple[str, ...], yes: bool) -> None:
    """Delete datasets. DATASET may be -, for the lines of standard input.

    Asks on a terminal, unless --yes is given.
    """
    ids = read_ids(dataset_ids, "datasets")
    client = invocation.client
    if not yes and ids and is_asked():
        found = [client.get_dataset(each) for each in ids]
        confirm_deletion([f"the dataset {each.dataset_id} {each.name!r}" for each in found])
    for dataset_id in ids:
        client.get_dataset(dataset_id).delete()
        print_line(dataset_id)
