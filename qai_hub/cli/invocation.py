"""One run of the command: its profile, its client, and how it prints."""

import logging
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING

from qai_hub.display.text import for_logs

if TYPE_CHECKING:
    from qai_hub.client import Client


@dataclass
class Invocation:
    """What the options of one run say.

    Attributes:
        profile: Name of the profile; None for the default configuration.
        debug: Whether errors are shown with their traceback.
        format: How to print results: `human`, `json`, `jsonl`, `tsv` or `quiet`; None for `human`
            on a terminal, and `tsv` elsewhere for lists and for the fields that are named.
        fields: Names of the fields to print; None for those that the command selects.
        shows_ended: Whether progress tells of jobs that have ended before the command began.
    """

    profile: str | None = None
    debug: bool = False
    format: str | None = None
    fields: tuple[str, ...] | None = None
    shows_ended: bool = False

    @cached_property
    def client(self) -> "Client":
        """The client of the profile. It shows no progress when only identifiers are wanted."""
        from qai_hub.client import Client
        from qai_hub.waiting.progress import show_only_news

        client = Client(profile=self.profile, client_mode="cli")
        if not self.shows_ended:
            show_only_news(client)
        if self.is_quiet:
            client.set_verbose(False)
        return client

    @property
    def is_quiet(self) -> bool:
        """Whether only identifiers are printed, and no progress."""
        return self.format == "quiet"

    @property
    def prints_identifier(self) -> bool:
        """Whether what was created is printed as its identifier, and not as a record."""
        return self.is_quiet or not self.prints_rows

    @property
    def prints_rows(self) -> bool:
        """Whether rows are printed where none are by default, since an option says how."""
        return self.format is not None or self.fields is not None

    def log_requests(self) -> None:
        """Logs what the client does on standard error, above the lines that show progress."""
        logging.basicConfig(
            handlers=[_LogHandler()], format="%(asctime)s %(levelname)s %(name)s: %(message)s"
        )
        logging.getLogger("qai_hub").setLevel(logging.DEBUG)


class _LogHandler(logging.Handler):
    def emit(self, record: logging.LogRecord) -> None:
        from qai_hub.progress.display import write_above

        write_above(for_logs(self.format(record)))
