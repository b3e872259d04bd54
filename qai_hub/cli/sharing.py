"""What the `share` commands of jobs, models and datasets have in common."""

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any, TypeVar

import click

from qai_hub.cli.common import print_info, print_line

if TYPE_CHECKING:
    from qai_hub.resources.sharing import Shareable

F = TypeVar("F", bound=Callable[..., Any])


def share_options(command: F) -> F:
    """Adds `--add`, `--remove` and `--off` to a command."""
    for option in (
        click.option("--off", is_flag=True, help="Share it with nobody any more."),
        click.option(
            "--remove", metavar="EMAIL", multiple=True, help="Stop sharing with; may be repeated."
        ),
        click.option("--add", metavar="EMAIL", multiple=True, help="Share with; may be repeated."),
    ):
        command = option(command)
    return command


def share_with(item: "Shareable", add: Sequence[str], remove: Sequence[str], *, off: bool) -> None:
    """Changes with whom an item is shared, and prints the addresses.

    Args:
        item: The job, model or dataset.
        add: Addresses to share with.
        remove: Addresses to stop sharing with.
        off: Whether to stop sharing with everybody.

    Raises:
        UsageError: Addresses are given together with `off`.
    """
    if off and (add or remove):
        raise click.UsageError("--off ends all sharing: give it without --add and --remove.")
    if off:
        item.disable_sharing()
    elif add or remove:
        before = {email.lower() for email in item.get_sharing()} if remove else set()
        item.modify_sharing(add_emails=list(add), delete_emails=list(remove))
        for email in remove:
            if email.strip().lower() not in before:
                print_info(f"It was not shared with {email}.")
    emails = item.get_sharing()
    for email in emails:
        print_line(email)
    if not emails:
        print_info("It is shared with nobody.")
