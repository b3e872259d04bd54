"""Sharing of jobs, models and datasets with other people."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING, Any

from qai_hub.driver import BlockingDriver, Driver, run_blocking
from qai_hub.errors import UserError
from qai_hub.next_steps import Step
from qai_hub.transport.values import require_list

if TYPE_CHECKING:
    from qai_hub_api import models as api

    from qai_hub.owner import Owner


class Shareable(ABC):
    """A job, model or dataset, which its owner can share."""

    _owner: Owner

    @property
    def _driver(self) -> BlockingDriver:
        return BlockingDriver(self._owner._connection)

    @property
    @abstractmethod
    def _sharing_key(self) -> tuple[str, str]:
        """`"job"`, `"model"` or `"dataset"`, and its identifier."""

    def get_sharing(self) -> list[str]:
        """Lists the e-mail addresses that it is shared with.

        Returns:
            The addresses, in the order in which they were added.

        Examples:
            >>> model.modify_sharing(add_emails=["colleague@example.com"])
            >>> model.get_sharing()
            ['colleague@example.com']
        """
        return run_blocking(self._get_sharing(self._driver))

    async def _get_sharing(self, driver: Driver) -> list[str]:
        answer: api.SharedAccess = await self._call_sharing(driver, "get")
        return [email for email in require_list(answer.email, "a list of people") if email]

    def modify_sharing(
        self, add_emails: list[str] | None = None, delete_emails: list[str] | None = None
    ) -> None:
        """Shares it with people, and stops sharing it with others.

        Sharing a job also grants access to its models, datasets and artifacts and, for an inference
        job, to the compile and link jobs behind it. When sharing ends, so does that access, unless
        another shared item grants it.

        Args:
            add_emails: Addresses to share with; addresses already added are ignored.
            delete_emails: Addresses to stop sharing with; addresses not present are ignored.

        Raises:
            UserError: If no address is given, one is not valid, or you are not the owner.

        Examples:
            >>> job.modify_sharing(add_emails=["colleague@example.com"])
            >>> hub.Client(profile="colleague").get_job(job.job_id).name == job.name
            True
            >>> job.modify_sharing(delete_emails=["colleague@example.com"])
        """
        run_blocking(self._modify_sharing(self._driver, add_emails, delete_emails))

    async def _modify_sharing(
        self, driver: Driver, add_emails: list[str] | None, delete_emails: list[str] | None
    ) -> None:
        from qai_hub_api.models import SharingUpdate

        add = _check_addresses("add_emails", add_emails)
        remove = _check_addresses("delete_emails", delete_emails)
        if not add and not remove:
            raise UserError("Pass at least one e-mail address to add or delete.")
        body = SharingUpdate(add_email=add, remove_email=remove)
        await self._call_sharing(driver, "update", body=body)

    def disable_sharing(self) -> None:
        """Stops sharing it with everyone.

        Raises:
            UserError: If you are not the owner.

        Examples:
            >>> dataset.disable_sharing()
            >>> dataset.get_sharing()
            []
        """
        run_blocking(self._disable_sharing(self._driver))

    async def _disable_sharing(self, driver: Driver) -> None:
        await self._call_sharing(driver, "delete")

    async def _call_sharing(
        self,
        driver: Driver,
        verb: str,
        **body: api.SharingUpdate,
    ) -> Any:  # noqa: ANN401 - by verb
        kind, key = self._sharing_key
        return await driver.call(get_sharing_operation(verb, kind), key, **body)


def get_sharing_operation(verb: str, kind: str) -> Callable[..., Any]:
    """Looks up a sharing operation of the generated client.

    Args:
        verb: `"get"`, `"update"` or `"delete"`.
        kind: What is shared: `"job"`, `"model"` or `"dataset"`.

    Returns:
        The operation.
    """
    from importlib import import_module

    operation: Callable[..., Any] = import_module(
        f"qai_hub_api.api.sharing.{verb}_{kind}_sharing"
    ).sync
    return operation


def _check_addresses(argument: str, emails: Iterable[str] | None) -> list[str]:
    if isinstance(emails, str):
        raise UserError(f"{argument} must be a list of e-mail addresses: write [{emails!r}].")
    addresses = list(emails or ())
    for address in addresses:
        local, _, host = address.partition("@") if isinstance(address, str) else ("", "", "")
        if not local or not host or any(c.isspace() or c in ",@" for c in local + host):
            place = Step(f" in {argument}", "")
            raise UserError(
                f"{address!r}{place} is not an e-mail address such as 'name@example.com'."
            )
    return addresses
