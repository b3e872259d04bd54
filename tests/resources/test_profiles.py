"""Profiles: from what the service tells to values, tables and HTML."""

import json
import math
import pickle
import sys
from dataclasses import FrozenInstanceError
from typing import Any

import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st
from qai_hub_api.models import ProfileDetail
from support.html_tags import Tags
from support.profile_payloads import detail, layer, tool

from qai_hub.client import (
    ComputeUnitUse,
    InferenceJobResult,
    JobStatus,
    Layer,
    MemoryRange,
    Profile,
    ProfilePhase,
)
from qai_hub.resources.profile_payload import profile_from_api

MEASURED = detail(
    execution_time=1234,
    all_execution_times=[1300, 1234],
    after_execution_peak_memory=3 * 2**20,
    execution_memory={
        "increase": {"lower": 1, "upper": 2},
        "peak": {"lower": 2**20, "upper": 2 * 2**20},
    },
    cold_load_time=98_765,
    all_cold_load_times=[98_765],
    layer_details=[
        layer("first", execution_time=5, execution_cycles=50),
        layer("second", "COMPUTE_UNIT_GPU", "Relu", execution_time=7),
        layer("third", execution_time=6),
        layer("fourth", "COMPUTE_UNIT_UNSPECIFIED", "Cast"),
    ],
    tool_versions=[tool("QAIRT", "2.40"), tool("TFLite", "2.17")],
    runtime_config=[{"name": "QNN", "properties": [{"key": "burst", "value": "on"}]}],
)

LOADS = ("first_load", "warm_load", "compile")
PHASES = ("compile", "first_load", "warm_load", "inference")


def mapped(told: dict[str, Any]) -> Profile:
    return profile_from_api(ProfileDetail.from_dict(told))


def test_values_have_their_units_and_places() -> None:
    profile = mapped(MEASURED)
    assert profile.inference == ProfilePhase(
        time=1234,
        all_times=(1300, 1234),
        peak_memory=3 * 2**20,
        peak_memory_range=MemoryRange(2**20, 2 * 2**20),
        memory_increase_range=MemoryRange(1, 2),
    )
    assert profile.first_load == ProfilePhase(time=98_765, all_times=(98_765,))
    assert profile.compile == profile.warm_load == ProfilePhase()
    assert (profile.inference.is_measured, profile.compile.is_measured) == (True, False)
    assert profile.layers[0] == Layer("first", "Conv", "NPU", 5, 50)
    assert profile.layers[3] == Layer("fourth", "Cast", "UNSPECIFIED")
    assert profile.tool_versions == {"QAIRT": "2.40", "TFLite": "2.17"}
    assert profile.runtime == {"QNN": {"burst": "on"}}
    assert profile.version == (1, 2)


def test_layers_are_summed_by_unit_and_ordered_by_time() -> None:
    profile = mapped(MEASURED)
    assert profile.compute_units == {
        "NPU": ComputeUnitUse(2, 11),
        "GPU": ComputeUnitUse(1, 7),
        "UNSPECIFIED": ComputeUnitUse(1, None),
    }
    assert next(iter(profile.compute_units)) == "NPU"
    assert [each.name for each in profile.slowest()] == ["second", "third", "first"]
    assert [each.name for each in profile.slowest(1)] == ["second"]
    assert profile.slowest(0) == ()
    cycles = [layer("few", execution_cycles=1), layer("many", execution_cycles=9), layer("none")]
    counted = mapped(detail(layer_details=cycles))
    assert [each.name for each in counted.slowest()] == ["many", "few"]
    assert "9 cycles" in repr(counted)
    assert "9 cycles" in counted._repr_html_()


def test_the_dictionary_is_in_the_form_that_scripts_know() -> None:
    told = mapped(MEASURED).to_dict()
    unmeasured: dict[str, Any] = {
        "{}_time": 0,
        "{}_peak_memory": 0,
        "{}_memory_increase_range": None,
        "{}_memory_peak_range": None,
        "all_{}_times": [],
    }
    assert told["execution_summary"] == {
        "estimated_inference_time": 1234,
        "estimated_inference_peak_memory": 3 * 2**20,
        "inference_memory_increase_range": (1, 2),
        "inference_memory_peak_range": (2**20, 2 * 2**20),
        "all_inference_times": [1300, 1234],
        "first_load_time": 98_765,
        "first_load_peak_memory": 0,
        "first_load_memory_increase_range": None,
        "first_load_memory_peak_range": None,
        "all_first_load_times": [98_765],
        **{
            key.format(phase): value
            for phase in ("compile", "warm_load")
            for key, value in unmeasured.items()
        },
    }
    assert list(told["execution_summary"]) == [
        *("estimated_inference_time", "estimated_inference_peak_memory"),
        *(f"{phase}_{what}" for phase in LOADS for what in ("time", "peak_memory")),
        *(f"{phase}_memory_{what}_range" for phase in PHASES for what in ("increase", "peak")),
        *(f"all_{phase}_times" for phase in PHASES),
    ]
    assert "MemoryRange" not in repr(told)
    first = {"name": "first", "type": "Conv", "compute_unit": "NPU"}
    assert told["execution_detail"][0] == {**first, "execution_time": 5, "execution_cycles": 50}
    fourth = {"name": "fourth", "type": "Cast", "compute_unit": "UNSPECIFIED"}
    assert told["execution_detail"][3] == fourth


def test_a_profile_of_an_old_service_has_one_load_and_one_peak() -> None:
    old = mapped(detail(major_version=0, execution_time=7, load_time=9, peak_memory_usage=11))
    assert (old.inference.time, old.first_load.time, old.compile.peak_memory) == (7, 9, 11)
    summary = old.to_dict()["execution_summary"]
    assert {key: value for key, value in summary.items() if value is not None} == {
        "estimated_inference_time": 7,
        "first_load_time": 9,
        "compile_peak_memory": 11,
    }
    assert len(summary) == 20
    assert "0.007 ms" in repr(old)


def test_the_text_is_a_table_of_what_was_measured() -> None:
    lines = repr(mapped(MEASURED)).splitlines()
    assert [line.split() for line in lines[:4]] == [
        ["Profile"],
        ["phase", "time", "peak", "memory"],
        ["first", "load", "98.765", "ms", "-"],
        ["inference", "1.234", "ms", "1.0", "to", "2.0", "MiB"],
    ]
    assert lines[4] == "  layers: 2 on NPU (0.011 ms), 1 on GPU (0.007 ms), 1 on UNSPECIFIED"
    assert lines[6].split() == ["0.007", "ms", "GPU", "Relu", "second"]
    assert lines[-2:] == ["  Tools: QAIRT 2.40, TFLite 2.17", "  QNN: burst: on"]


def test_nothing_at_all_can_be_shown() -> None:
    assert repr(Profile()) == "Profile\n  layers: none"
    assert "none" in Profile()._repr_html_()
    assert Profile().slowest() == ()
    assert Profile().compute_units == {}
    assert Profile().to_pandas().empty


def test_a_profile_is_a_plain_frozen_value() -> None:
    profile = mapped(MEASURED)
    assert pickle.loads(pickle.dumps(profile)) == profile
    assert hash(profile) == hash(mapped(MEASURED))
    assert b"qai_hub_api" not in pickle.dumps(profile)
    with pytest.raises(FrozenInstanceError):
        profile.layers = ()  # type: ignore[misc]


def test_layers_as_a_table_of_pandas() -> None:
    table = mapped(MEASURED).to_pandas()
    assert list(table.columns) == [
        *("name", "type", "compute_unit", "execution_time", "execution_cycles")
    ]
    assert list(table.name) == ["first", "second", "third", "fourth"]
    assert table.execution_time.dtype == table.execution_cycles.dtype == "UInt64"
    assert table.groupby("compute_unit").execution_time.sum()["NPU"] == 11
    assert list(table.execution_time.isna()) == [False, False, False, True]
    largest = mapped(detail(layer_details=[layer(execution_time=2**64 - 1)])).to_pandas()
    assert largest.execution_time[0] == 2**64 - 1
    assert isinstance(table, pd.DataFrame)


def test_without_pandas_the_error_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "pandas", None)
    with pytest.raises(ImportError, match=r"pip install 'qai-hub-openapi\[pandas\]'"):
        Profile().to_pandas()


HOSTILE = "\"><script>alert(1)</script><img src=x onerror='alert(2)'>&lt;\x1b[2J"


def test_hostile_names_are_shown_and_do_nothing() -> None:
    told = detail(
        layer_details=[
            layer(HOSTILE, f"COMPUTE_UNIT_{HOSTILE}", HOSTILE, execution_time=1) for _ in range(3)
        ],
        tool_versions=[tool(HOSTILE, HOSTILE)],
        runtime_config=[{"name": HOSTILE, "properties": [{"key": HOSTILE, "value": HOSTILE}]}],
    )
    profile = mapped(told)
    found = Tags(profile._repr_html_())
    assert set(found.tags) <= {"div", "b", "table", "thead", "tbody", "tr", "th", "td", "span"}
    assert set(found.attributes) == {"style", "title"}
    assert not any("alert" in style for style in found.attributes["style"])
    assert "<script>alert" in found.text
    assert "\x1b" not in repr(profile) + profile._repr_html_()
    status = JobStatus(JobStatus.State.FAILED, HOSTILE)
    shown = Tags(InferenceJobResult(status, HOSTILE, HOSTILE)._repr_html_())
    assert not {"script", "img", "a"} & set(shown.tags)


def test_thousands_of_layers_make_a_short_page_with_a_bar_each_for_the_slowest() -> None:
    told = detail(
        layer_details=[
            layer(f"layer {n} " + "x" * 1000, f"COMPUTE_UNIT_U{n}", execution_time=n)
            for n in range(5000)
        ]
    )
    profile = mapped(told)
    found = Tags(profile._repr_html_())
    assert found.tags.count("tr") == 16
    widths = [style for style in found.attributes["style"] if "%" in style]
    assert len(widths) == 15
    assert "width:100.0%" in widths[0]
    assert "slowest 15 of 5,000 layers" in found.text
    assert "4,994 more units" in found.text
    assert len(profile._repr_html_()) < 40_000
    assert len(repr(profile)) < 2000
    assert "layer 4999" in repr(profile)


def test_layers_that_take_no_time_have_bars_without_length() -> None:
    html = mapped(detail(layer_details=[layer(execution_time=0)]))._repr_html_()
    assert "width:0.0%" in html


ODD = st.one_of(
    st.integers(0, 2**64 - 1),
    st.integers(-(10**400), 10**400),
    st.floats(),
    st.none(),
    st.booleans(),
    st.text(max_size=5),
    st.just([1]),
)
NAMES = st.one_of(st.text(max_size=30), st.none(), st.integers())
UNITS = st.one_of(st.sampled_from(["COMPUTE_UNIT_NPU", "COMPUTE_UNIT_UNSPECIFIED"]), st.text())
LAYERS = st.builds(
    layer,
    NAMES,
    UNITS,
    NAMES,
    execution_time=ODD,
    execution_cycles=ODD,
)
RANGES = st.fixed_dictionaries({"lower": ODD, "upper": ODD})
DETAILS = st.builds(
    detail,
    major_version=st.one_of(st.integers(0, 3), ODD),
    minor_version=ODD,
    execution_time=ODD,
    load_time=ODD,
    peak_memory_usage=ODD,
    warm_load_time=ODD,
    after_execution_peak_memory=ODD,
    all_execution_times=st.lists(ODD, max_size=4),
    execution_memory=st.fixed_dictionaries({"increase": RANGES, "peak": RANGES}),
    layer_details=st.lists(LAYERS, max_size=6),
    tool_versions=st.lists(st.builds(tool, NAMES, NAMES), max_size=3),
    runtime_config=st.lists(
        st.fixed_dictionaries(
            {
                "name": NAMES,
                "properties": st.lists(st.fixed_dictionaries({"key": NAMES, "value": NAMES})),
            }
        ),
        max_size=3,
    ),
)


@pytest.mark.parametrize(
    ("conditions", "told"),
    [
        (
            {"host CPU": "Some CPU", "HTP simulation": "Hexagon v75 of a chip"},
            "simulation of an HTP (Hexagon v75 of a chip), not measured on a device",
        ),
        (
            {"HTP simulation": "Hexagon v68 of qualcomm-qcs6490-prox, SoC model 35"},
            "simulation of an HTP (Hexagon v68 of qualcomm-qcs6490-prox), not measured on a device",
        ),
        ({"host CPU": "Some CPU"}, "CPU of the hub's host (Some CPU), not measured on a device"),
    ],
)
def test_what_was_not_measured_on_a_device_says_so_before_any_number(
    conditions: dict[str, str], told: str
) -> None:
    properties = [{"key": key, "value": value} for key, value in conditions.items()]
    profile = mapped(
        {**MEASURED, "runtime_config": [{"name": "Measured on", "properties": properties}]}
    )
    result = InferenceJobResult(
        JobStatus(JobStatus.State.SUCCESS), None, "", profile.to_dict(), typed_profile=profile
    )
    views = [repr(profile), str(profile), repr(result), Tags(profile._repr_html_()).text]
    views.append(Tags(result._repr_html_()).text)
    for text in views:
        before, found, after = text.partition(told)
        assert found
        assert "1.234 ms" in after
        assert " ms" not in before + found


def test_what_was_measured_on_a_device_has_no_such_headline() -> None:
    profile = mapped(MEASURED)
    assert "not measured" not in repr(profile) + profile._repr_html_()


@given(DETAILS)
def test_whatever_comes_can_be_shown_counted_and_kept(told: dict[str, Any]) -> None:
    profile = mapped(told)
    assert len(profile.layers) == len(told["layer_details"])
    assert sum(use.layers for use in profile.compute_units.values()) == len(profile.layers)
    slowest = profile.slowest(100)
    assert set(slowest) <= set(profile.layers)
    times = [each.execution_time for each in slowest if each.execution_time is not None]
    assert times == sorted(times, reverse=True)
    assert all(type(time) is int and 0 <= time < 2**64 for time in times)
    assert pickle.loads(pickle.dumps(profile)) == profile
    json.dumps(profile.to_dict(), allow_nan=False)
    assert all(len(line) < 400 for line in repr(profile).split("\n"))
    assert repr(profile).replace("\n", "").isprintable()
    Tags(profile._repr_html_())


@given(st.integers(0, 2**64 - 1), st.integers(0, 2**64 - 1))
def test_every_number_of_the_contract_is_kept(time: int, memory: int) -> None:
    told = detail(
        execution_time=time,
        all_execution_times=[time],
        after_execution_peak_memory=memory,
        layer_details=[layer(execution_time=time, execution_cycles=memory)],
    )
    profile = mapped(told)
    assert (profile.inference.time, profile.inference.all_times) == (time, (time,))
    assert (profile.inference.peak_memory or 0) == memory
    assert profile.layers == (Layer("conv", "Conv", "NPU", time, memory),)
    assert f"{time / 1000:,.3f} ms" in repr(profile)


@pytest.mark.parametrize("odd", [math.nan, math.inf, -1, 2**64, True, None, "7"])
def test_what_is_no_number_was_not_measured(odd: object) -> None:
    profile = mapped(detail(execution_time=odd, layer_details=[layer(execution_time=odd)]))
    assert profile.inference == ProfilePhase()
    assert profile.layers[0].execution_time is None
