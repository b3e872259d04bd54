from __future__ import annotations

from collections.abc import Mapping
from typing import Any, TypeVar

from attrs import define as _attrs_define
from attrs import field as _attrs_field

from .. import reading
from ..types import UNSET, Unset

T = TypeVar("T", bound="ProfileDetail")


@_attrs_define
class ProfileDetail:
    """What profiling measured: times in microseconds, memory in bytes.

    Attributes:
        execution_time (int): Estimated time of one inference, in microseconds.
        peak_memory_usage (int): Peak memory, in bytes.
        layer_details (list[LayerDetail]): The layers, in order of execution.
        major_version (int): Version of this form of profile.
        minor_version (int): Minor version of this form of profile.
        after_cold_load_peak_memory (int): Peak memory after the first load, in bytes.
        after_compile_peak_memory (int): Peak memory after compiling, in bytes.
        after_execution_peak_memory (int): Peak memory after inference, in bytes.
        after_warm_load_peak_memory (int): Peak memory after a later load, in bytes.
        before_cold_load_current_memory (int): Memory in use before the first load, in bytes.
        before_cold_load_peak_memory (int): Peak memory before the first load, in bytes.
        before_compile_current_memory (int): Memory in use before compiling, in bytes.
        before_compile_peak_memory (int): Peak memory before compiling, in bytes.
        before_execution_current_memory (int): Memory in use before inference, in bytes.
        before_execution_peak_memory (int): Peak memory before inference, in bytes.
        before_warm_load_current_memory (int): Memory in use before a later load, in bytes.
        before_warm_load_peak_memory (int): Peak memory before a later load, in bytes.
        cold_load_time (int): Time of the first load, in microseconds.
        compile_time (int): Time to compile on the device, in microseconds.
        warm_load_time (int): Time of a later load, in microseconds.
        after_cold_load_current_memory (int): Memory in use after the first load, in bytes.
        after_warm_load_current_memory (int): Memory in use after a later load, in bytes.
        after_compile_current_memory (int): Memory in use after compiling, in bytes.
        after_execution_current_memory (int): Memory in use after inference, in bytes.
        all_compile_times (list[int]): Every measured compile time, in microseconds.
        all_cold_load_times (list[int]): Every measured first load time, in microseconds.
        all_warm_load_times (list[int]): Every measured later load time, in microseconds.
        all_execution_times (list[int]): Every measured inference time, in microseconds.
        segment_details (list[SegmentDetail]): The segments.
        runtime_config (list[RuntimeConfig]): Settings of the runtimes. What was not measured on a device has one with
            the name `Measured on`: `host CPU` is the machine that measured and, if that simulated an HTP, `HTP simulation`
            the chip.
        tool_versions (list[ToolVersion]): Tools that were used.
        load_time (int | Unset): Time to load the model, in microseconds; profiles of version 0 only.
        compile_memory (ProfileDetailMemoryUsage | Unset): Memory over one phase, in bytes.
        cold_load_memory (ProfileDetailMemoryUsage | Unset): Memory over one phase, in bytes.
        warm_load_memory (ProfileDetailMemoryUsage | Unset): Memory over one phase, in bytes.
        execution_memory (ProfileDetailMemoryUsage | Unset): Memory over one phase, in bytes.
    """

    execution_time: int
    peak_memory_usage: int
    layer_details: list[LayerDetail]
    major_version: int
    minor_version: int
    after_cold_load_peak_memory: int
    after_compile_peak_memory: int
    after_execution_peak_memory: int
    after_warm_load_peak_memory: int
    before_cold_load_current_memory: int
    before_cold_load_peak_memory: int
    before_compile_current_memory: int
    before_compile_peak_memory: int
    before_execution_current_memory: int
    before_execution_peak_memory: int
    before_warm_load_current_memory: int
    before_warm_load_peak_memory: int
    cold_load_time: int
    compile_time: int
    warm_load_time: int
    after_cold_load_current_memory: int
    after_warm_load_current_memory: int
    after_compile_current_memory: int
    after_execution_current_memory: int
    all_compile_times: list[int]
    all_cold_load_times: list[int]
    all_warm_load_times: list[int]
    all_execution_times: list[int]
    segment_details: list[SegmentDetail]
    runtime_config: list[RuntimeConfig]
    tool_versions: list[ToolVersion]
    load_time: int | Unset = UNSET
    compile_memory: ProfileDetailMemoryUsage | Unset = UNSET
    cold_load_memory: ProfileDetailMemoryUsage | Unset = UNSET
    warm_load_memory: ProfileDetailMemoryUsage | Unset = UNSET
    execution_memory: ProfileDetailMemoryUsage | Unset = UNSET
    additional_properties: dict[str, Any] = _attrs_field(init=False, factory=dict)

    def to_dict(self) -> dict[str, Any]:
        execution_time = self.execution_time

        peak_memory_usage = self.peak_memory_usage

        layer_details = []
        for layer_details_item_data in self.layer_details:
            layer_details_item = layer_details_item_data.to_dict()
            layer_details.append(layer_details_item)

        major_version = self.major_version

        minor_version = self.minor_version

        after_cold_load_peak_memory = self.after_cold_load_peak_memory

        after_compile_peak_memory = self.after_compile_peak_memory

        after_execution_peak_memory = self.after_execution_peak_memory

        after_warm_load_peak_memory = self.after_warm_load_peak_memory

        before_cold_load_current_memory = self.before_cold_load_current_memory

        before_cold_load_peak_memory = self.before_cold_load_peak_memory

        before_compile_current_memory = self.before_compile_current_memory

        before_compile_peak_memory = self.before_compile_peak_memory

        before_execution_current_memory = self.before_execution_current_memory

        before_execution_peak_memory = self.before_execution_peak_memory

        before_warm_load_current_memory = self.before_warm_load_current_memory

        before_warm_load_peak_memory = self.before_warm_load_peak_memory

        cold_load_time = self.cold_load_time

        compile_time = self.compile_time

        warm_load_time = self.warm_load_time

        after_cold_load_current_memory = self.after_cold_load_current_memory

        after_warm_load_current_memory = self.after_warm_load_current_memory

        after_compile_current_memory = self.after_compile_current_memory

        after_execution_current_memory = self.after_execution_current_memory

        all_compile_times = self.all_compile_times

        all_cold_load_times = self.all_cold_load_times

        all_warm_load_times = self.all_warm_load_times

        all_execution_times = self.all_execution_times

        segment_details = []
        for segment_details_item_data in self.segment_details:
            segment_details_item = segment_details_item_data.to_dict()
            segment_details.append(segment_details_item)

        runtime_config = []
        for runtime_config_item_data in self.runtime_config:
            runtime_config_item = runtime_config_item_data.to_dict()
            runtime_config.append(runtime_config_item)

        tool_versions = []
        for tool_versions_item_data in self.tool_versions:
            tool_versions_item = tool_versions_item_data.to_dict()
            tool_versions.append(tool_versions_item)

        load_time = self.load_time

        compile_memory: dict[str, Any] | Unset = UNSET
        if not isinstance(self.compile_memory, Unset):
            compile_memory = self.compile_memory.to_dict()

        cold_load_memory: dict[str, Any] | Unset = UNSET
        if not isinstance(self.cold_load_memory, Unset):
            cold_load_memory = self.cold_load_memory.to_dict()

        warm_load_memory: dict[str, Any] | Unset = UNSET
        if not isinstance(self.warm_load_memory, Unset):
            warm_load_memory = self.warm_load_memory.to_dict()

        execution_memory: dict[str, Any] | Unset = UNSET
        if not isinstance(self.execution_memory, Unset):
            execution_memory = self.execution_memory.to_dict()

        field_dict: dict[str, Any] = {}
        field_dict.update(self.additional_properties)
        field_dict.update(
            {
                "execution_time": execution_time,
                "peak_memory_usage": peak_memory_usage,
                "layer_details": layer_details,
                "major_version": major_version,
                "minor_version": minor_version,
                "after_cold_load_peak_memory": after_cold_load_peak_memory,
                "after_compile_peak_memory": after_compile_peak_memory,
                "after_execution_peak_memory": after_execution_peak_memory,
                "after_warm_load_peak_memory": after_warm_load_peak_memory,
                "before_cold_load_current_memory": before_cold_load_current_memory,
                "before_cold_load_peak_memory": before_cold_load_peak_memory,
                "before_compile_current_memory": before_compile_current_memory,
                "before_compile_peak_memory": before_compile_peak_memory,
                "before_execution_current_memory": before_execution_current_memory,
                "before_execution_peak_memory": before_execution_peak_memory,
                "before_warm_load_current_memory": before_warm_load_current_memory,
                "before_warm_load_peak_memory": before_warm_load_peak_memory,
                "cold_load_time": cold_load_time,
                "compile_time": compile_time,
                "warm_load_time": warm_load_time,
                "after_cold_load_current_memory": after_cold_load_current_memory,
                "after_warm_load_current_memory": after_warm_load_current_memory,
                "after_compile_current_memory": after_compile_current_memory,
                "after_execution_current_memory": after_execution_current_memory,
                "all_compile_times": all_compile_times,
                "all_cold_load_times": all_cold_load_times,
                "all_warm_load_times": all_warm_load_times,
                "all_execution_times": all_execution_times,
                "segment_details": segment_details,
                "runtime_config": runtime_config,
                "tool_versions": tool_versions,
            }
        )
        if load_time is not UNSET:
            field_dict["load_time"] = load_time
        if compile_memory is not UNSET:
            field_dict["compile_memory"] = compile_memory
        if cold_load_memory is not UNSET:
            field_dict["cold_load_memory"] = cold_load_memory
        if warm_load_memory is not UNSET:
            field_dict["warm_load_memory"] = warm_load_memory
        if execution_memory is not UNSET:
            field_dict["execution_memory"] = execution_memory

        return field_dict

    @classmethod
    def from_dict(cls: type[T], src_dict: Mapping[str, Any]) -> T:
        d = dict(src_dict)
        _execution_time = d.pop("execution_time", UNSET)
        execution_time = (
            _execution_time
            if (type(_execution_time) is int and _execution_time.bit_length() <= 64)
            else reading.integer(_execution_time, 0)
        )

        _peak_memory_usage = d.pop("peak_memory_usage", UNSET)
        peak_memory_usage = (
            _peak_memory_usage
            if (type(_peak_memory_usage) is int and _peak_memory_usage.bit_length() <= 64)
            else reading.integer(_peak_memory_usage, 0)
        )

        _layer_details = d.pop("layer_details", UNSET)
        layer_details: list[LayerDetail] = (
            [
                LayerDetail.from_dict(
                    layer_details_item_data if type(layer_details_item_data) is dict else {}
                )
                for layer_details_item_data in _layer_details
            ]
            if type(_layer_details) is list
            else []
        )

        _major_version = d.pop("major_version", UNSET)
        major_version = (
            _major_version
            if (type(_major_version) is int and _major_version.bit_length() <= 64)
            else reading.integer(_major_version, 0)
        )

        _minor_version = d.pop("minor_version", UNSET)
        minor_version = (
            _minor_version
            if (type(_minor_version) is int and _minor_version.bit_length() <= 64)
            else reading.integer(_minor_version, 0)
        )

        _after_cold_load_peak_memory = d.pop("after_cold_load_peak_memory", UNSET)
        after_cold_load_peak_memory = (
            _after_cold_load_peak_memory
            if (
                type(_after_cold_load_peak_memory) is int
                and _after_cold_load_peak_memory.bit_length() <= 64
            )
            else reading.integer(_after_cold_load_peak_memory, 0)
        )

        _after_compile_peak_memory = d.pop("after_compile_peak_memory", UNSET)
        after_compile_peak_memory = (
            _after_compile_peak_memory
            if (
                type(_after_compile_peak_memory) is int
                and _after_compile_peak_memory.bit_length() <= 64
            )
            else reading.integer(_after_compile_peak_memory, 0)
        )

        _after_execution_peak_memory = d.pop("after_execution_peak_memory", UNSET)
        after_execution_peak_memory = (
            _after_execution_peak_memory
            if (
                type(_after_execution_peak_memory) is int
                and _after_execution_peak_memory.bit_length() <= 64
            )
            else reading.integer(_after_execution_peak_memory, 0)
        )

        _after_warm_load_peak_memory = d.pop("after_warm_load_peak_memory", UNSET)
        after_warm_load_peak_memory = (
            _after_warm_load_peak_memory
            if (
                type(_after_warm_load_peak_memory) is int
                and _after_warm_load_peak_memory.bit_length() <= 64
            )
            else reading.integer(_after_warm_load_peak_memory, 0)
        )

        _before_cold_load_current_memory = d.pop("before_cold_load_current_memory", UNSET)
        before_cold_load_current_memory = (
            _before_cold_load_current_memory
            if (
                type(_before_cold_load_current_memory) is int
                and _before_cold_load_current_memory.bit_length() <= 64
            )
            else reading.integer(_before_cold_load_current_memory, 0)
        )

        _before_cold_load_peak_memory = d.pop("before_cold_load_peak_memory", UNSET)
        before_cold_load_peak_memory = (
            _before_cold_load_peak_memory
            if (
                type(_before_cold_load_peak_memory) is int
                and _before_cold_load_peak_memory.bit_length() <= 64
            )
            else reading.integer(_before_cold_load_peak_memory, 0)
        )

        _before_compile_current_memory = d.pop("before_compile_current_memory", UNSET)
        before_compile_current_memory = (
            _before_compile_current_memory
            if (
                type(_before_compile_current_memory) is int
                and _before_compile_current_memory.bit_length() <= 64
            )
            else reading.integer(_before_compile_current_memory, 0)
        )

        _before_compile_peak_memory = d.pop("before_compile_peak_memory", UNSET)
        before_compile_peak_memory = (
            _before_compile_peak_memory
            if (
                type(_before_compile_peak_memory) is int
                and _before_compile_peak_memory.bit_length() <= 64
            )
            else reading.integer(_before_compile_peak_memory, 0)
        )

        _before_execution_current_memory = d.pop("before_execution_current_memory", UNSET)
        before_execution_current_memory = (
            _before_execution_current_memory
            if (
                type(_before_execution_current_memory) is int
                and _before_execution_current_memory.bit_length() <= 64
            )
            else reading.integer(_before_execution_current_memory, 0)
        )

        _before_execution_peak_memory = d.pop("before_execution_peak_memory", UNSET)
        before_execution_peak_memory = (
            _before_execution_peak_memory
            if (
                type(_before_execution_peak_memory) is int
                and _before_execution_peak_memory.bit_length() <= 64
            )
            else reading.integer(_before_execution_peak_memory, 0)
        )

        _before_warm_load_current_memory = d.pop("before_warm_load_current_memory", UNSET)
        before_warm_load_current_memory = (
            _before_warm_load_current_memory
            if (
                type(_before_warm_load_current_memory) is int
                and _before_warm_load_current_memory.bit_length() <= 64
            )
            else reading.integer(_before_warm_load_current_memory, 0)
        )

        _before_warm_load_peak_memory = d.pop("before_warm_load_peak_memory", UNSET)
        before_warm_load_peak_memory = (
            _before_warm_load_peak_memory
            if (
                type(_before_warm_load_peak_memory) is int
                and _before_warm_load_peak_memory.bit_length() <= 64
            )
            else reading.integer(_before_warm_load_peak_memory, 0)
        )

        _cold_load_time = d.pop("cold_load_time", UNSET)
        cold_load_time = (
            _cold_load_time
            if (type(_cold_load_time) is int and _cold_load_time.bit_length() <= 64)
            else reading.integer(_cold_load_time, 0)
        )

        _compile_time = d.pop("compile_time", UNSET)
        compile_time = (
            _compile_time
            if (type(_compile_time) is int and _compile_time.bit_length() <= 64)
            else reading.integer(_compile_time, 0)
        )

        _warm_load_time = d.pop("warm_load_time", UNSET)
        warm_load_time = (
            _warm_load_time
            if (type(_warm_load_time) is int and _warm_load_time.bit_length() <= 64)
            else reading.integer(_warm_load_time, 0)
        )

        _after_cold_load_current_memory = d.pop("after_cold_load_current_memory", UNSET)
        after_cold_load_current_memory = (
            _after_cold_load_current_memory
            if (
                type(_after_cold_load_current_memory) is int
                and _after_cold_load_current_memory.bit_length() <= 64
            )
            else reading.integer(_after_cold_load_current_memory, 0)
        )

        _after_warm_load_current_memory = d.pop("after_warm_load_current_memory", UNSET)
        after_warm_load_current_memory = (
            _after_warm_load_current_memory
            if (
                type(_after_warm_load_current_memory) is int
                and _after_warm_load_current_memory.bit_length() <= 64
            )
            else reading.integer(_after_warm_load_current_memory, 0)
        )

        _after_compile_current_memory = d.pop("after_compile_current_memory", UNSET)
        after_compile_current_memory = (
            _after_compile_current_memory
            if (
                type(_after_compile_current_memory) is int
                and _after_compile_current_memory.bit_length() <= 64
            )
            else reading.integer(_after_compile_current_memory, 0)
        )

        _after_execution_current_memory = d.pop("after_execution_current_memory", UNSET)
        after_execution_current_memory = (
            _after_execution_current_memory
            if (
                type(_after_execution_current_memory) is int
                and _after_execution_current_memory.bit_length() <= 64
            )
            else reading.integer(_after_execution_current_memory, 0)
        )

        _all_compile_times = d.pop("all_compile_times", UNSET)
        all_compile_times: list[int] = (
            [
                number
                for all_compile_times_item_data in _all_compile_times
                if (number := reading.integer(all_compile_times_item_data, None)) is not None
            ]
            if type(_all_compile_times) is list
            else []
        )

        _all_cold_load_times = d.pop("all_cold_load_times", UNSET)
        all_cold_load_times: list[int] = (
            [
                number
                for all_cold_load_times_item_data in _all_cold_load_times
                if (number := reading.integer(all_cold_load_times_item_data, None)) is not None
            ]
            if type(_all_cold_load_times) is list
            else []
        )

        _all_warm_load_times = d.pop("all_warm_load_times", UNSET)
        all_warm_load_times: list[int] = (
            [
                number
                for all_warm_load_times_item_data in _all_warm_load_times
                if (number := reading.integer(all_warm_load_times_item_data, None)) is not None
            ]
            if type(_all_warm_load_times) is list
            else []
        )

        _all_execution_times = d.pop("all_execution_times", UNSET)
        all_execution_times: list[int] = (
            [
                number
                for all_execution_times_item_data in _all_execution_times
                if (number := reading.integer(all_execution_times_item_data, None)) is not None
            ]
            if type(_all_execution_times) is list
            else []
        )

        _segment_details = d.pop("segment_details", UNSET)
        segment_details: list[SegmentDetail] = (
            [
                SegmentDetail.from_dict(
                    segment_details_item_data if type(segment_details_item_data) is dict else {}
                )
                for segment_details_item_data in _segment_details
            ]
            if type(_segment_details) is list
            else []
        )

        _runtime_config = d.pop("runtime_config", UNSET)
        runtime_config: list[RuntimeConfig] = (
            [
                RuntimeConfig.from_dict(
                    runtime_config_item_data if type(runtime_config_item_data) is dict else {}
                )
                for runtime_config_item_data in _runtime_config
            ]
            if type(_runtime_config) is list
            else []
        )

        _tool_versions = d.pop("tool_versions", UNSET)
        tool_versions: list[ToolVersion] = (
            [
                ToolVersion.from_dict(
                    tool_versions_item_data if type(tool_versions_item_data) is dict else {}
                )
                for tool_versions_item_data in _tool_versions
            ]
            if type(_tool_versions) is list
            else []
        )

        _load_time = d.pop("load_time", UNSET)
        load_time: int | Unset = (
            _load_time
            if _load_time is UNSET or (type(_load_time) is int and _load_time.bit_length() <= 64)
            else reading.integer(_load_time, UNSET)
        )

        _compile_memory = d.pop("compile_memory", UNSET)
        compile_memory: ProfileDetailMemoryUsage | Unset = (
            ProfileDetailMemoryUsage.from_dict(_compile_memory)
            if type(_compile_memory) is dict
            else UNSET
        )

        _cold_load_memory = d.pop("cold_load_memory", UNSET)
        cold_load_memory: ProfileDetailMemoryUsage | Unset = (
            ProfileDetailMemoryUsage.from_dict(_cold_load_memory)
            if type(_cold_load_memory) is dict
            else UNSET
        )

        _warm_load_memory = d.pop("warm_load_memory", UNSET)
        warm_load_memory: ProfileDetailMemoryUsage | Unset = (
            ProfileDetailMemoryUsage.from_dict(_warm_load_memory)
            if type(_warm_load_memory) is dict
            else UNSET
        )

        _execution_memory = d.pop("execution_memory", UNSET)
        execution_memory: ProfileDetailMemoryUsage | Unset = (
            ProfileDetailMemoryUsage.from_dict(_execution_memory)
            if type(_execution_memory) is dict
            else UNSET
        )

        profile_detail = cls.__new__(cls)
        profile_detail.execution_time = execution_time
        profile_detail.peak_memory_usage = peak_memory_usage
        profile_detail.layer_details = layer_details
        profile_detail.major_version = major_version
        profile_detail.minor_version = minor_version
        profile_detail.after_cold_load_peak_memory = after_cold_load_peak_memory
        profile_detail.after_compile_peak_memory = after_compile_peak_memory
        profile_detail.after_execution_peak_memory = after_execution_peak_memory
        profile_detail.after_warm_load_peak_memory = after_warm_load_peak_memory
        profile_detail.before_cold_load_current_memory = before_cold_load_current_memory
        profile_detail.before_cold_load_peak_memory = before_cold_load_peak_memory
        profile_detail.before_compile_current_memory = before_compile_current_memory
        profile_detail.before_compile_peak_memory = before_compile_peak_memory
        profile_detail.before_execution_current_memory = before_execution_current_memory
        profile_detail.before_execution_peak_memory = before_execution_peak_memory
        profile_detail.before_warm_load_current_memory = before_warm_load_current_memory
        profile_detail.before_warm_load_peak_memory = before_warm_load_peak_memory
        profile_detail.cold_load_time = cold_load_time
        profile_detail.compile_time = compile_time
        profile_detail.warm_load_time = warm_load_time
        profile_detail.after_cold_load_current_memory = after_cold_load_current_memory
        profile_detail.after_warm_load_current_memory = after_warm_load_current_memory
        profile_detail.after_compile_current_memory = after_compile_current_memory
        profile_detail.after_execution_current_memory = after_execution_current_memory
        profile_detail.all_compile_times = all_compile_times
        profile_detail.all_cold_load_times = all_cold_load_times
        profile_detail.all_warm_load_times = all_warm_load_times
        profile_detail.all_execution_times = all_execution_times
        profile_detail.segment_details = segment_details
        profile_detail.runtime_config = runtime_config
        profile_detail.tool_versions = tool_versions
        profile_detail.load_time = load_time
        profile_detail.compile_memory = compile_memory
        profile_detail.cold_load_memory = cold_load_memory
        profile_detail.warm_load_memory = warm_load_memory
        profile_detail.execution_memory = execution_memory

        profile_detail.additional_properties = d or {}
        return profile_detail

    @property
    def additional_keys(self) -> list[str]:
        return list(self.additional_properties.keys())

    def __getitem__(self, key: str) -> Any:
        return self.additional_properties[key]

    def __setitem__(self, key: str, value: Any) -> None:
        self.additional_properties[key] = value

    def __delitem__(self, key: str) -> None:
        del self.additional_properties[key]

    def __contains__(self, key: str) -> bool:
        return key in self.additional_properties


from ..models.layer_detail import LayerDetail
from ..models.profile_detail_memory_usage import ProfileDetailMemoryUsage
from ..models.runtime_config import RuntimeConfig
from ..models.segment_detail import SegmentDetail
from ..models.tool_version import ToolVersion
