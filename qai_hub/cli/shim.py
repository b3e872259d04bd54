"""`qai-hub shim`: lets packages that require the official distribution do with this one."""

from pathlib import Path

import click

from qai_hub.cli.common import CommandError, print_line
from qai_hub.cli.groups import HubGroup
from qai_hub.cli.shim_files import (
    VERSION,
    Installed,
    find_installed,
    install_shim,
    remove_shim,
    write_wheel,
)
from qai_hub.coexistence import DISTRIBUTION, OFFICIAL_DISTRIBUTION, repair

_FOLDER = click.Path(file_okay=False, path_type=Path)
_ABSENT = 1


@click.group(cls=HubGroup)
def shim() -> None:
    """Stand in for the distribution qai-hub, the official client, that other packages require.

    The shim has that name and version, and no files: with it, `pip install qai-hub-models` does not
    install the official client over this one.
    """


@shim.command(
    examples=[("Before a package that requires qai-hub is installed", "shim install")],
)
def install() -> None:
    """Install the shim into the environment of this command.

    It needs neither pip nor a network. Run it again after an upgrade that follows a newer official
    release. `pip uninstall qai-hub` removes it as well.
    """
    found = _find_shim()
    site = install_shim()
    already = found is not None and found.version == VERSION
    print_line(f"{OFFICIAL_DISTRIBUTION} {VERSION} is {'already ' if already else ''}in {site}.")


@shim.command(examples=[("Before the official client is installed", "shim remove")])
def remove() -> None:
    """Remove the shim from the environment of this command."""
    found = _find_shim()
    if found is None:
        print_line(f"There is no {OFFICIAL_DISTRIBUTION}.")
        return
    remove_shim(found)
    print_line(f"Removed {OFFICIAL_DISTRIBUTION} {found.version} from {found.folder.parent}.")


@shim.command(examples=[("In a script", "shim status && pip install qai-hub-models")])
def status() -> int:
    """Tell whether the shim of this release is installed; exits with 1 if it is not."""
    found = _find_shim()
    if found is None:
        print_line(f"There is no {OFFICIAL_DISTRIBUTION}: run `qai-hub shim install`.")
        return _ABSENT
    place = f"{OFFICIAL_DISTRIBUTION} {found.version} is in {found.folder.parent}"
    if found.version != VERSION:
        print_line(f"{place}, and {VERSION} is due: run `qai-hub shim install`.")
        return _ABSENT
    print_line(f"{place}.")
    return 0


@shim.command(
    examples=[("For a file of constraints, or an image", "shim wheel --output wheels")],
)
@click.option(
    "-o", "--output", metavar="DIR", type=_FOLDER, default=".", help="Folder; default: this one."
)
def wheel(output: Path) -> None:
    """Write the shim as a wheel, and print its path."""
    print_line(str(write_wheel(output)))


def _find_shim() -> Installed | None:
    """Returns the installed shim, or None.

    Raises:
        CommandError: The official client is installed.
    """
    found = find_installed()
    if found is not None and not found.is_shim:
        raise CommandError(
            f"The official client, {OFFICIAL_DISTRIBUTION} {found.version}, is in "
            f"{found.folder.parent}: a shim would not keep its files from those of "
            f"{DISTRIBUTION}. {repair()}"
        )
    return found
