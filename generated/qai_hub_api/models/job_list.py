from __future__ import annotations

import datetime
from collections.abc import Mapping
from typing import Any, TypeVar

from attrs import define as _attrs_define
from attrs import field as _attrs_field

from .. import reading
from ..types import UNSET, Unset

T = TypeVar("T", bound="JobList")


@_attrs_define
class JobList:
    """One page of jobs.

    Attributes:
        total_query_count (int): Number of items that match, on all pages together. If the list is filtered by name,
            device, model or time and has several pages, this is an upper bound, which is not counted.
        jobs (list[Job] | Unset): The jobs.
        searched_to (datetime.datetime | Unset): When the last job was submitted that was looked at for this page.
            Present if others are left to look at, and this page is shorter for that.
    """

    total_query_count: int
    jobs: list[Job] | Unset = UNSET
    searched_to: datetime.datetime | Unset = UNSET
    additional_properties: dict[str, Any] = _attrs_field(init=False, factory=dict)

    def to_dict(self) -> dict[str, Any]:
        total_query_count = self.total_query_count

        jobs: list[dict[str, Any]] | Unset = UNSET
        if not isinstance(self.jobs, Unset):
            jobs = []
            for jobs_item_data in self.jobs:
                jobs_item = jobs_item_data.to_dict()
                jobs.append(jobs_item)

        searched_to: str | Unset = UNSET
        if not isinstance(self.searched_to, Unset):
            searched_to = self.searched_to.isoformat()

        field_dict: dict[str, Any] = {}
        field_dict.update(self.additional_properties)
        field_dict.update(
            {
                "total_query_count": total_query_count,
            }
        )
        if jobs is not UNSET:
            field_dict["jobs"] = jobs
        if searched_to is not UNSET:
            field_dict["searched_to"] = searched_to

        return field_dict

    @classmethod
    def from_dict(cls: type[T], src_dict: Mapping[str, Any]) -> T:
        d = dict(src_dict)
        _total_query_count = d.pop("total_query_count", UNSET)
        total_query_count = (
            _total_query_count
            if (type(_total_query_count) is int and _total_query_count.bit_length() <= 64)
            else reading.integer(_total_query_count, 0)
        )

        _jobs = d.pop("jobs", UNSET)
        jobs: list[Job] | Unset = (
            [
                Job.from_dict(jobs_item_data if type(jobs_item_data) is dict else {})
                for jobs_item_data in _jobs
            ]
            if type(_jobs) is list
            else UNSET
        )

        _searched_to = d.pop("searched_to", UNSET)
        searched_to: datetime.datetime | Unset = (
            reading.time(_searched_to)
            if type(_searched_to) is str
            else _searched_to
            if type(_searched_to) is datetime.datetime
            else UNSET
        )

        job_list = cls.__new__(cls)
        job_list.total_query_count = total_query_count
        job_list.jobs = jobs
        job_list.searched_to = searched_to

        job_list.additional_properties = d or {}
        return job_list

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


from ..models.job import Job
