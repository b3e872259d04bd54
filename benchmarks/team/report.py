"""The figures of a run as a table: a row for what was measured, a column for each setup."""

from collections.abc import Callable, Mapping, Sequence
from functools import partial
from typing import Any

from pages import format_number, format_table

from team.kills import MUST_BE_NONE

Found = Mapping[str, Any]
"""The figures of a setup, as `measure` returns them."""

MANY = 10**8
"""The jobs of which `format_costs` tells."""

_HEADS = {
    "objects": "files on object storage, jobs in workers",
    "dask": "files in a folder, jobs on Dask",
}


def format_setups(setups: Mapping[str, Found]) -> str:
    """Formats the figures of the setups as a Markdown table."""
    rows = [
        (name, *(cell(found) for found in setups.values()))
        for name, cell in _list_rows(list(setups.values()))
    ]
    return format_table(["", *(_HEADS[name] for name in setups)], rows)


def format_costs(setups: Mapping[str, Found]) -> str:
    """Formats what many jobs would take, by the same figures, as a Markdown table."""
    rows = [
        ("web processes, submissions", _core_hours("submissions", "1", "web")),
        ("database server, submissions", _core_hours("submissions", "1", "database")),
        ("database server, the rest", _core_hours("jobs of nothing", "2", "database")),
        ("workers, beside the jobs themselves", _core_hours("jobs of nothing", "2", "worker")),
        ("object storage", _core_hours("jobs of nothing", "2", "object storage")),
        ("Dask scheduler", _core_hours("jobs of nothing", "2", "Dask scheduler")),
        ("Dask workers, beside the jobs", _core_hours("jobs of nothing", "2", "Dask worker")),
        ("requests to object storage, in millions", _requests),
        ("rows and their indexes", _gigabytes),
        ("all of them by one hub, at the most jobs of nothing a second", _days),
    ]
    cells = [(name, *(cell(found) for found in setups.values())) for name, cell in rows]
    return format_table([f"{MANY:,} jobs take", *(_HEADS[name] for name in setups)], cells)


def _core_hours(measured: str, run: str, role: str) -> Callable[[Found], str]:
    def format_hours(found: Found) -> str:
        spent = found[measured][run]["processor ms a job"].get(role)
        return "" if spent is None else f"{format_number(spent * MANY / 3.6e6)} core-hours"

    return format_hours


def _requests(found: Found) -> str:
    requests = found["jobs of nothing"]["2"]["requests a job"]
    return format_number(requests * MANY / 1e6) if requests else ""


def _gigabytes(found: Found) -> str:
    return f"{format_number(_kills(found)['bytes a job in the database'] * MANY / 1e9)} GB"


def _days(found: Found) -> str:
    rate = max(run["jobs a second"] for run in found["jobs of nothing"].values())
    return f"{format_number(MANY / rate / 86_400)} days"


def _list_rows(setups: Sequence[Found]) -> list[tuple[str, Callable[[Found], str]]]:
    """Returns the rows: their names, and what reads their cells from the figures of a setup."""
    return [
        ("submissions a second, 1 / 2 web processes", _rate("submissions", "a second")),
        ("the same: processor time", _costs(lambda found: found["submissions"]["1"])),
        (
            "the same: transactions / statements",
            lambda found: _join(
                found["submissions"]["1"], "transactions a job", "statements a job"
            ),
        ),
        ("claims a second, 2 workers", lambda found: format_number(found["claims a second"])),
        (
            "jobs of nothing a second, 1 / 2 / 4 workers",
            _rate("jobs of nothing", "jobs a second"),
        ),
        (
            "the same, 2 workers: processor time",
            _costs(lambda found: found["jobs of nothing"]["2"]),
        ),
        (
            "the same: transactions / statements / requests to object storage",
            lambda found: _join(
                found["jobs of nothing"]["2"],
                *("transactions a job", "statements a job", "requests a job"),
            ),
        ),
        (
            f"jobs of half a second a second, 1 / 2 / 4 workers with 4 slots; {_ideal(setups[0])}",
            _rate("jobs of 0.5 s", "jobs a second"),
        ),
        ("memory of a process", _memory),
        *(
            (
                f"{_polls(setups[0]):,} long polls, jobs end {how}: late by median / p99 / most",
                partial(_lateness, how),
            )
            for how in ("in turns", "at once")
        ),
        (
            "database, a job",
            lambda found: f"{format_number(_kills(found)['bytes a job in the database'])} bytes",
        ),
        ("under kills: jobs", lambda found: f"{_kills(found)['submitted']:,}"),
        ("who was killed", _killed),
        ("time", lambda found: f"{format_number(_kills(found)['seconds'])} s"),
        ("requests that were sent again", lambda found: f"{_kills(found)['retries']:,}"),
        (
            "attempts beyond the first",
            lambda found: f"{_kills(found)['attempts beyond the first']:,}",
        ),
        (
            "failed after three losses",
            lambda found: f"{_kills(found)['failed after three losses']:,}",
        ),
        *((name, _count(name)) for name in MUST_BE_NONE),
    ]


def _rate(name: str, figure: str) -> Callable[[Found], str]:
    """Returns what reads one figure of several runs."""
    return lambda found: " / ".join(format_number(run[figure]) for run in found[name].values())


def _costs(read: Callable[[Found], Found]) -> Callable[[Found], str]:
    """Returns what reads the processor time that each role takes for a job."""

    def format_costs(found: Found) -> str:
        costs = read(found)["processor ms a job"]
        told = [f"{role} {format_number(spent)}" for role, spent in costs.items() if spent >= 0.05]
        return f"{', '.join(told)} ms"

    return format_costs


def _count(name: str) -> Callable[[Found], str]:
    return lambda found: f"{_kills(found)[name]:,}"


def _join(figures: Found, *names: str) -> str:
    return " / ".join(format_number(figures[name]) for name in names)


def _kills(found: Found) -> Found:
    kills: Found = found["under kills"]
    return kills


def _killed(found: Found) -> str:
    return ", ".join(f"{role} {count}" for role, count in sorted(_kills(found)["kills"].items()))


def _memory(found: Found) -> str:
    memory = found["jobs of nothing"]["2"]["memory, MiB"]
    return ", ".join(f"{role} {format_number(size)}" for role, size in memory.items()) + " MiB"


def _ideal(found: Found) -> str:
    ideal = " / ".join(format_number(run["ideal"]) for run in found["jobs of 0.5 s"].values())
    return f"ideal {ideal}"


def _lateness(how: str, found: Found) -> str:
    return f"{_join(found['long polls'][how], 'median', 'p99', 'most')} ms"


def _polls(found: Found) -> int:
    polls: int = found["long polls"]["polls"]
    return polls
