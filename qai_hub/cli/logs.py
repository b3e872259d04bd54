"""The log of commands that serve or run jobs: its level, and the form of its lines."""

import logging

import click

from qai_hub.cli.slips import Choice

log_format_option = click.option(
    "--log-format",
    type=Choice(("text", "json")),
    default="text",
    show_default=True,
    help="Lines for people, or a JSON object in each.",
)


def configure_logging(level: str, form: str) -> None:
    """Logs to standard error from now on.

    Args:
        level: The lowest level to log, such as `warning`.
        form: `text` or `json`.
    """
    from qai_hub.local.json_logs import JsonFormatter

    text = logging.Formatter("%(asctime)s %(levelname)s %(name)s: %(message)s")
    handler = logging.StreamHandler()
    handler.setFormatter(JsonFormatter() if form == "json" else text)
    logging.basicConfig(handlers=[handler])
    logging.getLogger().setLevel(level.upper())
