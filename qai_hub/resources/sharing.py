"""Sharing of jobs, models and datasets with other people."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterable
from typing import TYPE_CHECKING

from qai_hub.errors import UserError
from qai_hub.transport.values import listed

if TYPE_CHECKING:
    from qai_hub_api import models as api

    from qai_hub.client import Client


class Shareable(ABC):
    """Something that its owner can share: a job, a model or a dataset."""

    _owner: Client

    @abstractmethod
    def _fetch_sharing(self) -> api.SharedAccess:
        """Asks who it is shared with."""

    @abstractmethod
    def _change_sharing(self, change: api.SharingUpdate) -> None:
        """Adds and removes people."""

    @abstractmethod
    def _stop_sharing(self) -> None:
        """Removes everyone."""

    def get_sharing(self) -> list[str]:
        """Lists the e-mail addresses that it is shared with.

        Returns:
            The addresses, in the order in which they were added.

        Examples:
            >>> model.modify_sharing(add_emails=["colleague@example.com"])
            >>> model.get_sharing()
            ['colleague@example.com']
        """
        return [one for one in listed(self._fetch_sharing().email, "a list of people") if one]

    def modify_sharing(
        self, add_emails: list[str] | None = None, delete_emails: list[str] | None = None
    ) -> None:
        """Shares it with people, and stops sharing it with others.

        Sharing a job opens its models, datasets and artifacts as well, and for an inference job
        the compile and link jobs behind it. Taking it back closes what nothing else opens.

        Args:
            add_emails: Addresses to share with; those that are there already change nothing.
            delete_emails: Addresses to stop sharing with; those that are not there change nothing.

        Raises:
            UserError: If there is no address, one is none, or you are not the owner.

        Examples:
            >>> job.modify_sharing(add_emails=["colleague@example.com"])
            >>> hub.Client(profile="colleague").get_job(job.job_id).name == job.name
            True
            >>> job.modify_sharing(delete_emails=["colleague@example.com"])
        """
        from qai_hub_api.models import SharingUpdate

        add = _addresses("add_emails", add_emails)
        remove = _addresses("delete_emails", delete_emails)
        if not add and not remove:
            raise UserError("Give an e-mail address to share with, or to stop sharing with.")
        self._change_sharing(SharingUpdate(add_email=add, remove_email=remove))

    def disable_sharing(self) -> None:
        """Stops sharing it with everyone.

        Raises:
            UserError: If you are not the owner.

        Examples:
            >>> dataset.disable_sharing()
            >>> dataset.get_sharing()
            []
        """
        self._stop_sharing()


def _addresses(argument: str, emails: Iterable[str] | None) -> list[str]:
    if isinstance(emails, str):
        raise UserError(f"{argument} takes a list of e-mail addresses: write [{emails!r}].")
    addresses = list(emails or ())
    for address in addresses:
        local, _, host = address.partition("@") if isinstance(address, str) else ("", "", "")
        if not local or not host or any(c.isspace() or c in ",@" for c in local + host):
            raise UserError(f"{address!r} in {argument} is not an e-mail address.")
    return addresses
