from __future__ import annotations

from collections.abc import Mapping
from typing import Any, TypeVar

from attrs import define as _attrs_define

from ..types import UNSET

T = TypeVar("T", bound="MultipartUploadFinish")


@_attrs_define
class MultipartUploadFinish:
    """The end of an upload in parts: the ETag of each part, in order.

    Attributes:
        upload_id (str): Identifier of this upload.
        etags (list[str]): ETag of each part, in order.
    """

    upload_id: str
    etags: list[str]

    def to_dict(self) -> dict[str, Any]:
        upload_id = self.upload_id

        etags = self.etags

        field_dict: dict[str, Any] = {}

        field_dict.update(
            {
                "upload_id": upload_id,
                "etags": etags,
            }
        )

        return field_dict

    @classmethod
    def from_dict(cls: type[T], src_dict: Mapping[str, Any]) -> T:
        d = dict(src_dict)
        _upload_id = d.pop("upload_id", UNSET)
        upload_id = _upload_id if type(_upload_id) is str else ""

        _etags = d.pop("etags", UNSET)
        etags: list[str] = (
            [etags_item_data for etags_item_data in _etags if type(etags_item_data) is str]
            if type(_etags) is list
            else []
        )

        multipart_upload_finish = cls.__new__(cls)
        multipart_upload_finish.upload_id = upload_id
        multipart_upload_finish.etags = etags
        return multipart_upload_finish
