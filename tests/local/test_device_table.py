"""The table of devices: it is whole, tells its sources, and agrees with what is published."""

from collections.abc import Iterator, Mapping
from typing import Any

import pytest

from qai_hub.local.devices import load_table

TABLE = load_table()
ROWS = [*TABLE["chipsets"], *TABLE["devices"], *TABLE["families"]]

# Some of the numbers that qai_hub_models 0.65.0 publishes: model, Hexagon, fp16, shared weights.
PUBLISHED = {
    "qualcomm-snapdragon-888": (30, 68, False, False),
    "qualcomm-snapdragon-8gen1": (36, 69, True, False),
    "qualcomm-snapdragon-8gen2": (43, 73, True, True),
    "qualcomm-snapdragon-8gen3": (57, 75, True, True),
    "qualcomm-snapdragon-8-elite-for-galaxy": (69, 79, True, True),
    "qualcomm-snapdragon-8-elite-gen5-for-galaxy": (87, 81, True, True),
    "qualcomm-snapdragon-7gen4": (86, 73, False, True),
    "qualcomm-snapdragon-x-elite": (60, 73, True, True),
    "qualcomm-snapdragon-x2-elite": (88, 81, True, True),
    "qualcomm-sa8775p": (52, 73, True, True),
    "qualcomm-qcs6490": (93, 68, False, False),
    "qualcomm-qcs9075": (77, 73, True, True),
}


def numbers(chipset: Mapping[str, Any]) -> tuple[Any, ...]:
    names = ("soc_model", "hexagon", "fp16", "weight_sharing")
    return tuple(chipset[name] for name in names)


def test_the_numbers_are_those_that_are_published() -> None:
    chipsets = {chipset["name"]: chipset for chipset in TABLE["chipsets"]}
    assert {name: numbers(chipsets[name]) for name in PUBLISHED} == PUBLISHED
    assert {chipsets[name]["source"] for name in PUBLISHED} == {"qai_hub_models 0.65.0"}


def test_every_row_names_its_source() -> None:
    for row in ROWS:
        assert row["source"] in TABLE["sources"], row["name"]
        for what, why in row.get("notes", {}).items():
            assert what in row, row["name"]
            assert why.endswith("."), row["name"]


def test_every_source_is_used() -> None:
    assert {row["source"] for row in ROWS} == set(TABLE["sources"])


def test_what_a_proxy_is_said_to_have_is_that_of_the_chip_which_is_named() -> None:
    chipsets = {chipset["name"]: chipset for chipset in TABLE["chipsets"]}
    proxies = [one for one in TABLE["chipsets"] if one["source"] == "same chip"]
    assert proxies
    for proxy in proxies:
        original = proxy["notes"]["soc_model"].removeprefix("That of ").removesuffix(".")
        assert numbers(proxy) == numbers(chipsets[original])


@pytest.mark.parametrize("family", TABLE["families"], ids=lambda family: family["name"])
def test_the_members_of_a_family_have_its_name_and_one_chip(family: Mapping[str, Any]) -> None:
    devices = {device["name"]: device for device in TABLE["devices"]}
    members = [devices[name] for name in family["members"]]
    stem = family["name"].removesuffix(" (Family)")
    assert len(members) > 1
    assert all(member["name"].startswith(stem) for member in members)
    assert len({member["chipset"] for member in members}) == 1


def test_no_name_stands_for_two_things() -> None:
    def every_name() -> Iterator[str]:
        for row in (*TABLE["devices"], *TABLE["families"]):
            yield row["name"]

    found = list(every_name())
    assert len(found) == len(set(found))
    chipsets = [chipset["name"] for chipset in TABLE["chipsets"]]
    assert len(chipsets) == len(set(chipsets))
    assert {device["chipset"] for device in TABLE["devices"]} == set(chipsets)
