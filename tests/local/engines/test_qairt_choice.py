"""Versions of QAIRT, as options name them."""

import pytest

from qai_hub.local.engines.catalog import ENGINES
from qai_hub.local.engines.qairt import (
    OWN_VERSION,
    Version,
    asked_version,
    choose_engine,
    engine_of_needs,
    engine_of_version,
    is_version,
    parse_version,
)

OWN = "the hub's own"


@pytest.mark.parametrize(
    ("text", "numbers"),
    [
        ("2.50", (2, 50)),
        ("2.50.40", (2, 50, 40)),
        ("v2.50.40.260101120000_1", (2, 50, 40, 260101120000)),
        ("2.50-auto", (2, 50)),
        ("default", ()),
        ("latest", ()),
    ],
)
def test_a_version_has_numbers_and_a_tag_has_none(text: str, numbers: tuple[int, ...]) -> None:
    assert parse_version(text) == Version(numbers)


@pytest.mark.parametrize("variant", ["-rc1", "-automatic", "_x86"])
def test_a_variant_of_a_version_is_another_one(variant: str) -> None:
    asked = parse_version(f"2.50{variant}")
    assert (asked.numbers, asked.variant) == ((2, 50), variant)
    assert str(asked) == f"2.50{variant}"
    assert not is_version(asked, "2.50.40")
    assert engine_of_version(asked) is ENGINES["qnn-2.50"]


@pytest.mark.parametrize(
    "text", ["", "2", "2.", "2.x", "newest", "2.50 ", "2.\u0665", "9" * 5000 + ".1"]
)
def test_anything_else_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="neither a version"):
        parse_version(text)


@pytest.mark.parametrize(
    ("asked", "version", "expected"),
    [
        ("2.50", "2.50.40", True),
        ("2.50.40.7", "2.50.40", True),
        ("2.50.41", "2.50.40", False),
        ("2.5", "2.50.40", False),
        ("latest", "2.50.40", True),
    ],
)
def test_numbers_that_both_have_are_equal(asked: str, version: str, *, expected: bool) -> None:
    assert is_version(parse_version(asked), version) == expected


def test_two_numbers_name_an_engine() -> None:
    assert engine_of_version(Version((2, 50))) is ENGINES["qnn-2.50"]
    assert engine_of_version(Version((2, 50, 99))) is ENGINES["qnn-2.50"]
    assert engine_of_version(Version((2, 5))) is None
    assert engine_of_version(OWN_VERSION) is None


@pytest.mark.parametrize(
    ("options", "version"),
    [
        ("--qairt_version 2.49", (2, 49)),
        ("--x y --qairt_version=2.49 --qairt_version 2.50", (2, 50)),
        ("--qairt_version 2.49 --qairt_version latest", ()),
        ("--qairt_version", ()),
        ("--qairt_version newest", ()),
        ("--qairt_version 'unclosed", ()),
        ("", ()),
    ],
)
def test_the_last_version_in_options_counts(options: str, version: tuple[int, ...]) -> None:
    assert asked_version(options) == Version(version)


@pytest.mark.parametrize(
    ("asked", "installed", "makes", "runs"),
    [
        ((2, 49), "2.47 2.49 2.50", "2.49", "2.49"),
        # What an older one makes, and what a newer one runs, the named one would have as well.
        ((2, 49), "2.47 2.48 2.50", "2.48", "2.50"),
        ((2, 49), "2.50", "2.50", "2.50"),
        ((2, 49), "2.47", "2.47", OWN),
        ((2, 49), "", OWN, OWN),
        ((2, 31), "2.47 2.48", "2.47", "2.47"),
        ((2, 52), "2.50", OWN, OWN),
        ((3, 0), "2.50", OWN, OWN),
        # The hub's own, whatever the third number is.
        ((2, 51, 7), "2.50", OWN, OWN),
        ((), "2.50", OWN, OWN),
    ],
)
def test_the_nearest_version_does_what_the_named_one_would(
    asked: tuple[int, ...], installed: str, makes: str, runs: str
) -> None:
    names = [f"qnn-{version}" for version in installed.split()] + ["tflite"]

    def chosen(*, makes_model: bool) -> str:
        engine = choose_engine(
            Version(asked), "2.51.0", names, makes_model=makes_model, strict=False
        )
        return OWN if engine is None else engine.qairt

    assert (chosen(makes_model=True), chosen(makes_model=False)) == (makes, runs)


@pytest.mark.parametrize(("asked", "engine"), [((2, 49), "qnn-2.49"), ((2, 31), None)])
def test_a_strict_hub_takes_the_named_version_alone(
    asked: tuple[int, ...], engine: str | None
) -> None:
    chosen = choose_engine(Version(asked), "2.51.0", ["qnn-2.50"], makes_model=True, strict=True)
    assert (chosen and chosen.name) == engine


def test_without_any_version_the_named_one_is_what_to_install() -> None:
    known, unknown = Version((2, 49)), Version((2, 31))
    assert choose_engine(known, None, (), makes_model=True, strict=False) is ENGINES["qnn-2.49"]
    assert choose_engine(unknown, None, (), makes_model=True, strict=False) is None


def test_needs_name_an_engine_that_is_laid_over_the_hubs_packages() -> None:
    assert engine_of_needs({"big", "engine-qnn-2.48"}) is ENGINES["qnn-2.48"]
    assert engine_of_needs({"engine-tflite", "torch"}) is None
