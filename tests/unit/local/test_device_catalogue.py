"""The device catalogue: what it holds, and how queries select."""

import subprocess
import sys

import pytest
from hypothesis import given
from hypothesis import strategies as st

from qai_hub.local.devices import Device, DeviceCatalogue, DeviceQuery, frameworks
from qai_hub.local.problems import ProblemError

CATALOGUE = DeviceCatalogue.load()
OS_VERSIONS = {device.os for device in CATALOGUE.find(DeviceQuery())}


def names(**query: object) -> list[str]:
    return [device.name for device in CATALOGUE.find(DeviceQuery(**query))]  # type: ignore[arg-type]


def test_it_holds_every_device_with_what_selects_it() -> None:
    devices = CATALOGUE.find(DeviceQuery())
    assert len(devices) == 50
    assert len({device.name for device in devices}) == 50
    for device in devices:
        keys = [attribute.partition(":")[0] for attribute in device.attributes]
        assert {"vendor", "os", "format", "chipset", "hexagon", "framework"} <= set(keys)
        assert all(attribute.count(":") == 1 for attribute in device.attributes)
        assert device.os
        assert device.soc_description
        assert device.soc_model > 0


def test_a_device_as_the_contract_writes_it() -> None:
    device = CATALOGUE.resolve(DeviceQuery(name="Samsung Galaxy S24")).to_json()
    assert device["os"] == "14"
    assert device["soc_description"] == "Snapdragon® 8 Gen 3 Mobile"
    assert set(device["attributes"]) == {
        "vendor:samsung",
        "os:android",
        "format:phone",
        "chipset:qualcomm-snapdragon-8gen3",
        "chipset:sm8650",
        "hexagon:v75",
        "soc-model:57",
        "framework:onnx",
        "framework:qnn",
        "framework:tflite",
        "htp-supports-fp16:true",
    }


def test_fp16_is_only_said_where_it_holds() -> None:
    with_fp16 = names(attributes=["htp-supports-fp16:true"])
    assert "Samsung Galaxy S22 5G" in with_fp16
    assert "Samsung Galaxy S21" not in with_fp16


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


@pytest.mark.parametrize(
    ("interval", "versions"),
    [
        ("[14,15)", {"14"}),
        ("(13,15]", {"14", "15"}),
        ("[14,)", {"14", "15", "16", "17", "24.04"}),
        ("(,10]", {"1.6", "1.9", "10"}),
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
        (DeviceQuery(name="toaster"), "lists them all"),
        (DeviceQuery(attributes=["chipset:sm8651"]), "Did you mean .*'chipset:sm8650'"),
        (DeviceQuery(name="Samsung Galaxy S24", os="99"), "with os '99'"),
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
    assert refused.status == 400 or {device.os for device in found} <= OS_VERSIONS


def test_frameworks_are_told_without_importing_them() -> None:
    listed = {framework["name"]: framework for framework in frameworks()}
    assert set(listed) == {"onnx", "onnxruntime"}
    runtime = listed["onnxruntime"]
    assert runtime["full_version"].startswith(runtime["api_version"])
    code = (
        "import sys; from qai_hub.local.devices import frameworks; frameworks(); "
        "sys.exit(any(name in sys.modules for name in ('onnx', 'onnxruntime', 'numpy')))"
    )
    subprocess.run([sys.executable, "-c", code], check=True)
