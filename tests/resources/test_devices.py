"""Devices as users write them."""

import pytest

import qai_hub as hub
from qai_hub.resources.device import attribute_list


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        (None, []),
        ([], []),
        ("chipset:x", ["chipset:x"]),
        (["a:b", "c:d"], ["a:b", "c:d"]),
        (("a:b",), ["a:b"]),
    ],
)
def test_attributes(given: str | list[str] | None, expected: list[str]) -> None:
    assert attribute_list(given) == expected


@pytest.mark.parametrize("given", ["", "a", "a:", ":b", "a:b:c", ["a:b", 5], [None], 5, {"a:b": 1}])
def test_what_is_no_attribute(given: list[str]) -> None:
    with pytest.raises(hub.UserError, match="attribute"):
        attribute_list(given)


def test_devices_compare_by_what_they_ask_for() -> None:
    assert hub.Device("x") == hub.Device(name="x", os="", attributes=[])
    assert hub.Device("x") != hub.Device("x", "14")
