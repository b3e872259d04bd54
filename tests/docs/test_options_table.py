"""The page of the local hub tells of each option of jobs what really becomes of it."""

from pathlib import Path

from qai_hub.local.engine.option_table import OPTIONS
from qai_hub.local.engine.options import Option

PAGE = Path(__file__).parents[2] / "docs" / "local-hub.md"
START, END = "<!-- options -->\n", "<!-- end of options -->"


def rows_of(option: Option) -> list[str]:
    """A row for each thing that becomes of an option, with the jobs that it becomes so in."""
    jobs: dict[tuple[str, str], list[str]] = {}
    for job, rule in option.handling.items():
        (words,) = (
            getattr(rule, name) for name in ("description", "reason") if hasattr(rule, name)
        )
        jobs.setdefault((type(rule).__name__.lower(), words), []).append(job)
    takes = option.accepted.replace("|", "\\|")
    return [
        f"| `{option.flag}` | {takes} | {', '.join(kinds)} | {outcome} | {words} |"
        for (outcome, words), kinds in jobs.items()
    ]


def test_the_table_of_options_is_that_of_the_hub() -> None:
    table = ["| option | value | jobs | | |", "|---|---|---|---|---|"]
    table += [row for option in OPTIONS for row in rows_of(option)]
    _, _, rest = PAGE.read_text("utf-8").partition(START)
    found, end, _ = rest.partition(END)
    assert end
    assert found == "\n".join(table) + "\n"
