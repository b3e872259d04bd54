"""The page of devices tells of each chip what the local hub compiles with, and who says so."""

from collections.abc import Iterator
from pathlib import Path

from qai_hub.local.devices import load_table

PAGE = Path(__file__).parents[2] / "docs" / "devices.md"
TABLE = load_table()


def between(name: str) -> str:
    """What stands between the marks of a name on the page."""
    _, start, rest = PAGE.read_text("utf-8").partition(f"<!-- {name} -->\n")
    found, end, _ = rest.partition(f"<!-- end of {name} -->")
    assert start
    assert end
    return found


def chipset_rows() -> Iterator[str]:
    yield "| chip | `soc_model` | Hexagon | fp16 | shared weights | source |"
    yield "|---|---|---|---|---|---|"
    for chip in TABLE["chipsets"]:
        can = ["yes" if chip[name] else "no" for name in ("fp16", "weight_sharing")]
        row = [f"`{chip['name']}`", str(chip["soc_model"]), f"v{chip['hexagon']}", *can]
        notes = "".join(f"; {what}: {why}" for what, why in chip.get("notes", {}).items())
        yield f"| {' | '.join(row)} | {chip['source']}{notes} |"


def family_rows() -> Iterator[str]:
    yield "| family | members |"
    yield "|---|---|"
    for family in TABLE["families"]:
        yield f"| {family['name']} | {', '.join(family['members'])} |"


def test_the_sources_are_told() -> None:
    expected = [f"- **{name}**: {what}" for name, what in TABLE["sources"].items()]
    assert between("sources").splitlines() == expected


def test_the_table_of_chips_is_that_of_the_hub() -> None:
    assert between("chips").splitlines() == list(chipset_rows())


def test_the_table_of_families_is_that_of_the_hub() -> None:
    assert between("families").splitlines() == list(family_rows())
