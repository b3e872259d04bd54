"""Versions of QAIRT, as options name them."""

import pytest

from qai_hub.local.engines.catalog import ENGINES
from qai_hub.local.engines.qairt import (
    engine_of_needs,
    engine_of_options,
    engine_of_version,
    is_version,
    parse_version,
)


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
    assert parse_version(text) == numbers


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
    assert engine_of_version((2, 50)) is ENGINES["qnn-2.50"]
    assert engine_of_version((2, 50, 99)) is ENGINES["qnn-2.50"]
    assert engine_of_version((2, 5)) is None
    assert engine_of_version(()) is None


@pytest.mark.parametrize(
    ("options", "name"),
    [
        ("--qairt_version 2.49", "qnn-2.49"),
        ("--x y --qairt_version=2.49 --qairt_version 2.50", "qnn-2.50"),
        ("--qairt_version 2.49 --qairt_version latest", None),
        ("--qairt_version", None),
        ("--qairt_version 2.31", None),
        ("--qairt_version newest", None),
        ("--qairt_version 'unclosed", None),
        ("", None),
    ],
)
def test_the_last_version_in_options_counts(options: str, name: str | None) -> None:
    engine = engine_of_options(options)
    assert (engine and engine.name) == name


def test_needs_name_an_engine_that_is_laid_over_the_hubs_packages() -> None:
    assert engine_of_needs({"big", "engine-qnn-2.48"}) is ENGINES["qnn-2.48"]
    assert engine_of_needs({"engine-tflite", "torch"}) is None
