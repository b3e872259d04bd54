"""The device catalogue: what it holds, and how queries select."""

import json
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st
from packaging.specifiers import SpecifierSet
from packaging.version import Version

from qai_hub.local.devices import Device, DeviceCatalogue, DeviceQuery
from qai_hub.local.engine.protocol import Soc
from qai_hub.local.errors import ProblemError

CATALOGUE = DeviceCatalogue.load()
DEVICES = CATALOGUE.find(DeviceQuery())
OS_VERSIONS = sorted({device.os for device in DEVICES})
ATTRIBUTES = sorted({attribute for device in DEVICES for attribute in device.attributes})


def names(**query: object) -> list[str]:
    return [device.name for device in CATALOGUE.find(DeviceQuery(**query))]  # type: ignore[arg-type]


def test_it_holds_every_device_with_what_selects_it() -> None:
    assert len({(device.name, device.os) for device in DEVICES}) == len(DEVICES)
    for device in DEVICES:
        keys = [attribute.partition(":")[0] for attribute in device.attributes]
        assert {"vendor", "os", "format", "chipset", "hexagon", "soc-model", "framework"} <= {*keys}
        assert all(attribute.count(":") == 1 for attribute in device.attributes)
        assert Version(device.os)
        assert device.soc_description
        assert device.soc.soc_model > 0


def test_they_are_ordered_by_name_and_operating_system() -> None:
    keys = [(device.name, Version(device.os)) for device in DEVICES]
    assert keys == sorted(keys)
    assert [d.os for d in DEVICES if d.name == "Dragonwing IQ-9075 EVK"] == ["1.7", "1.9"]


def test_a_device_as_the_contract_writes_it() -> None:
    device = CATALOGUE.resolve(DeviceQuery(name="Samsung Galaxy S24")).to_json()
    assert device["os"] == "14"
    assert device["soc_description"] == "Snapdragon® 8 Gen 3 Mobile"
    assert set(device["attributes"]) == {
        "vendor:samsung",
        "os:android",
        "abi:aarch64-android",
        "format:phone",
        "chipset:qualcomm-snapdragon-8gen3",
        "chipset:sm8650",
        "hexagon:v75",
        "soc-model:57",
        "framework:onnx",
        "framework:qnn",
        "framework:tflite",
        "htp-supports-fp16:true",
        "htp-supports-weight-sharing:true",
    }


def test_what_a_chip_can_is_only_said_where_it_holds() -> None:
    with_fp16 = names(attributes=["htp-supports-fp16:true"])
    assert "Samsung Galaxy S22 5G" in with_fp16
    assert "Samsung Galaxy S21" not in with_fp16
    sharing = names(attributes=["htp-supports-weight-sharing:true"])
    assert "Samsung Galaxy S23" in sharing
    assert "Samsung Galaxy S22 5G" not in sharing


def test_frameworks_are_only_said_where_they_run() -> None:
    qnn = names(attributes=["framework:qnn"])
    assert "Samsung Galaxy S21" in qnn
    assert "Google Pixel 3" not in qnn
    tflite = names(attributes=["framework:tflite"])
    assert "Google Pixel 3" in tflite
    assert "Snapdragon X Elite CRD" not in tflite


def test_the_first_chipset_is_its_name_and_the_others_are_aliases() -> None:
    (device,) = CATALOGUE.find(DeviceQuery(name="Dragonwing IQ-9075 EVK", os="1.9"))
    chipsets = [text for text in device.attributes if text.startswith("chipset:")]
    assert chipsets == [
        "chipset:qualcomm-qcs9075",
        "chipset:qcs9075",
        "chipset:qualcomm-dragonwing-iq-9075",
    ]
    assert "os:qc_linux" in device.attributes


def test_every_alias_of_a_chipset_selects_the_same() -> None:
    selections = [
        names(attributes=[f"chipset:{alias}"])
        for alias in ("qualcomm-qcs6490", "qcs6490", "qualcomm-dragonwing-qcs6490")
    ]
    assert selections == [["Dragonwing RB3 Gen 2 Vision Kit"]] * 3


def test_all_that_is_given_must_match() -> None:
    assert names(name="Samsung Galaxy S24", os="14") == ["Samsung Galaxy S24"]
    assert names(name="Samsung Galaxy S24", os="13") == []
    assert names(name="Samsung Galaxy S24", attributes=["vendor:google"]) == []
    assert names(name="samsung galaxy s24") == []
    assert len(names(attributes=["vendor:samsung", "format:tablet"])) == 2


def test_a_job_gets_the_latest_operating_system() -> None:
    assert [d.os for d in DEVICES if d.name == "Samsung Galaxy S21"] == ["11", "12"]
    assert CATALOGUE.resolve(DeviceQuery("Samsung Galaxy S21")).os == "12"
    assert CATALOGUE.resolve(DeviceQuery("Samsung Galaxy S21", "11")).os == "11"
    assert CATALOGUE.resolve(DeviceQuery("Samsung Galaxy S21", "[11,12)")).os == "11"
    assert CATALOGUE.resolve(DeviceQuery("Dragonwing IQ-9075 EVK")).os == "1.9"


def test_versions_are_compared_as_numbers() -> None:
    old, new = (replace(DEVICES[0], name="Phone", os=os) for os in ("9", "10"))
    catalogue = DeviceCatalogue([new, old])
    assert catalogue.find(DeviceQuery()) == [old, new]
    assert catalogue.resolve(DeviceQuery()) == new


@pytest.mark.parametrize(
    ("query", "member"),
    [
        (DeviceQuery("Samsung Galaxy S24 (Family)"), ("Samsung Galaxy S24", "14")),
        (DeviceQuery("Samsung Galaxy S22 (Family)"), ("Samsung Galaxy S22 5G", "13")),
        (DeviceQuery("Samsung Galaxy S22 (Family)", "12"), ("Samsung Galaxy S22 5G", "12")),
        (DeviceQuery("Google Pixel 3 (Family)"), ("Google Pixel 3", "10")),
        (DeviceQuery("Google Pixel 5 (Family)", "[11,12)"), ("Google Pixel 5", "11")),
    ],
)
def test_a_family_is_listed_and_a_job_gets_a_member(
    query: DeviceQuery, member: tuple[str, str]
) -> None:
    assert {device.name for device in CATALOGUE.find(query)} == {query.name}
    device = CATALOGUE.resolve(query)
    assert (device.name, device.os) == member


def test_a_family_has_what_its_member_has() -> None:
    families = [device for device in DEVICES if device.representative]
    assert len({device.name for device in families}) == 9
    for family in families:
        (member,) = CATALOGUE.find(DeviceQuery(str(family.representative), family.os))
        assert (family.attributes, family.soc) == (member.attributes, member.soc)
        assert not member.representative


def test_nothing_is_selected_where_nothing_matches() -> None:
    assert CATALOGUE.select(DeviceQuery("Samsung Galaxy S99 (Family)")) is None
    with pytest.raises(ProblemError):
        CATALOGUE.select(DeviceQuery(os="[14"))


@pytest.mark.parametrize(
    ("interval", "versions"),
    [
        ("[14,15)", {"14"}),
        ("(13,15]", {"14", "15"}),
        ("[14,)", {"14", "15", "16", "17", "24.04"}),
        ("(,10]", {"1.6", "1.7", "1.9", "10"}),
        ("(,)", set(OS_VERSIONS)),
        ("(,0]", set()),
        ("[0,0]", set()),
        ("[0,1.7)", {"1.6"}),
        ("[24,25)", {"24.04"}),
        ("[14.0,14]", {"14"}),
        ("[ 14 , 15 )", {"14"}),
        ("(15,14)", set()),
        ("14", {"14"}),
        ("14.0", set()),
    ],
)
def test_os_versions_and_intervals(interval: str, versions: set[str]) -> None:
    assert {device.os for device in CATALOGUE.find(DeviceQuery(os=interval))} == versions


@pytest.mark.parametrize("interval", ["[14", "[14;15)", "[a,b)", "[14,15) ", "[1..2,3)", "[.,3)"])
def test_a_malformed_interval_is_400(interval: str) -> None:
    with pytest.raises(ProblemError) as caught:
        names(os=interval)
    assert caught.value.status == 400
    assert "interval" in caught.value.detail


@pytest.mark.parametrize("attribute", ["chipset", "a:b:c", ":b", "a:", ""])
def test_a_malformed_attribute_is_400(attribute: str) -> None:
    with pytest.raises(ProblemError, match="key:value") as caught:
        names(attributes=[attribute])
    assert caught.value.status == 400


@pytest.mark.parametrize(
    ("query", "hint"),
    [
        (DeviceQuery(name="Samsung Galaxy S 24"), "Did you mean .*'Samsung Galaxy S24'"),
        (DeviceQuery(name="samsung galaxy s24"), "Did you mean 'Samsung Galaxy S24'"),
        (DeviceQuery(name="Samsung Galaxy S23 Utra"), "Did you mean 'Samsung Galaxy S23 Ultra'"),
        (DeviceQuery(name="Galaxy S24 Ultra"), r"Did you mean 'Samsung Galaxy S24 Ultra'\?$"),
        (DeviceQuery(name="Snapdragon X Elite"), "Did you mean 'Snapdragon X Elite CRD'"),
        (DeviceQuery(name="toaster"), r"^No device matches 'toaster'\. get_devices\(\) lists"),
        (DeviceQuery(attributes=["chipset:sm8651"]), "Did you mean .*'chipset:sm8650'"),
        (DeviceQuery(attributes=["framework:qn"]), r"Did you mean 'framework:qnn'\?$"),
        (DeviceQuery(attributes=["planet:mars"]), "get_device_attributes"),
        (DeviceQuery("Samsung Galaxy S24", "", ["os:windows"]), "It has 'os:android', not 'os:w"),
        (
            DeviceQuery("", "", ["hexagon:v75", "os:windows"]),
            "Those that match the rest have 'os:a",
        ),
        (DeviceQuery(name="Samsung Galaxy S24", os="99"), "with os '99'.* Versions.*: '14'"),
    ],
)
def test_no_match_says_what_is_close(query: DeviceQuery, hint: str) -> None:
    with pytest.raises(ProblemError, match=hint) as caught:
        CATALOGUE.resolve(query)
    assert caught.value.status == 404


@given(os=st.text(max_size=12) | st.from_regex(r"[\[(][0-9.]{0,4},[0-9.]{0,4}[\])]"))
def test_any_os_query_selects_or_is_400(os: str) -> None:
    refused = ProblemError(500, "")
    found: list[Device] = []
    try:
        found = CATALOGUE.find(DeviceQuery(os=os))
    except ProblemError as problem:
        refused = problem
    assert refused.status == 400 or {device.os for device in found} <= set(OS_VERSIONS)


bounds = st.none() | st.sampled_from([*OS_VERSIONS, "0", "14.0", "14.5", "99"])


@st.composite
def os_ranges(draw: st.DrawFn) -> tuple[str, SpecifierSet]:
    """A range of versions as queries write it, and as Python packages do."""
    low, high = draw(bounds), draw(bounds)
    opening, closing = draw(st.sampled_from("[(")), draw(st.sampled_from("])"))
    limits = [f"{'>=' if opening == '[' else '>'}{low}"] if low else []
    limits += [f"{'<=' if closing == ']' else '<'}{high}"] if high else []
    return f"{opening}{low or ''},{high or ''}{closing}", SpecifierSet(",".join(limits))


every_name = st.sampled_from(["", *sorted({device.name for device in DEVICES})])
some_attributes = st.lists(st.sampled_from(ATTRIBUTES), max_size=3)
any_version = st.sampled_from(OS_VERSIONS).map(lambda os: (os, SpecifierSet(f"=={os}")))


@given(name=every_name, attributes=some_attributes, os=os_ranges() | any_version)
def test_a_query_selects_just_what_matches_all_of_it(
    name: str, attributes: list[str], os: tuple[str, SpecifierSet]
) -> None:
    text, versions = os
    query = DeviceQuery(name, text, attributes)
    expected = [
        device
        for device in DEVICES
        if (not name or device.name == name)
        and device.os in versions
        and all(attribute in device.attributes for attribute in attributes)
    ]
    assert CATALOGUE.find(query) == expected
    selected = CATALOGUE.select(query)
    assert (selected is None) == (not expected)
    if selected is not None:
        assert not selected.representative
        assert selected in expected or selected.name in {one.representative for one in expected}
        assert Version(selected.os) == max(Version(device.os) for device in expected)


def test_the_chip_of_a_job_s_device() -> None:
    stored = json.loads(json.dumps(CATALOGUE.resolve(DeviceQuery("SA8295P ADP")).to_json()))
    soc = CATALOGUE.get_soc(stored)
    assert soc == Soc(
        name="qualcomm-sa8295p", soc_model=39, hexagon=68, fp16=True, weight_sharing=True
    )
    assert CATALOGUE.get_soc({**stored, "os": "99"}) is None
    assert CATALOGUE.get_soc({**stored, "name": "Nokia 3310"}) is None


def test_chips_go_through_json() -> None:
    for device in DEVICES:
        soc = CATALOGUE.get_soc(device.to_json())
        assert soc == device.soc
        assert Soc.from_json(json.loads(json.dumps(device.soc.to_json()))) == soc


def test_the_chip_that_stands_for_all_is_the_latest_with_floats() -> None:
    soc = CATALOGUE.get_soc(None)
    assert soc is not None
    chips = {each.soc for each in CATALOGUE.find(DeviceQuery()) if each.soc.fp16}
    assert soc.fp16
    assert soc.hexagon == max(each.hexagon for each in chips)
