from __future__ import annotations

import datetime
from collections.abc import Mapping
from typing import Any, TypeVar

from attrs import define as _attrs_define
from attrs import field as _attrs_field

from .. import reading
from ..types import UNSET, Unset

T = TypeVar("T", bound="S3Credentials")


@_attrs_define
class S3Credentials:
    """Short-lived storage credentials for one object. A local hub never issues any.

    Attributes:
        access_key_id (str): Access key.
        secret_access_key (str): Secret key.
        session_token (str): Session token.
        bucket (str): Bucket.
        key (str): Object key.
        region (str): Region.
        use_transfer_acceleration (bool): Whether to use the accelerated endpoint.
        filename (str): File name to save it under; it has no dots but those of its extension.
        expiration (datetime.datetime | Unset): When the credentials expire.
    """

    access_key_id: str
    secret_access_key: str
    session_token: str
    bucket: str
    key: str
    region: str
    use_transfer_acceleration: bool
    filename: str
    expiration: datetime.datetime | Unset = UNSET
    additional_properties: dict[str, Any] = _attrs_field(init=False, factory=dict)

    def to_dict(self) -> dict[str, Any]:
        access_key_id = self.access_key_id

        secret_access_key = self.secret_access_key

        session_token = self.session_token

        bucket = self.bucket

        key = self.key

        region = self.region

        use_transfer_acceleration = self.use_transfer_acceleration

        filename = self.filename

        expiration: str | Unset = UNSET
        if not isinstance(self.expiration, Unset):
            expiration = self.expiration.isoformat()

        field_dict: dict[str, Any] = {}
        field_dict.update(self.additional_properties)
        field_dict.update(
            {
                "access_key_id": access_key_id,
                "secret_access_key": secret_access_key,
                "session_token": session_token,
                "bucket": bucket,
                "key": key,
                "region": region,
                "use_transfer_acceleration": use_transfer_acceleration,
                "filename": filename,
            }
        )
        if expiration is not UNSET:
            field_dict["expiration"] = expiration

        return field_dict

    @classmethod
    def from_dict(cls: type[T], src_dict: Mapping[str, Any]) -> T:
        d = dict(src_dict)
        _access_key_id = d.pop("access_key_id", UNSET)
        access_key_id = _access_key_id if type(_access_key_id) is str else ""

        _secret_access_key = d.pop("secret_access_key", UNSET)
        secret_access_key = _secret_access_key if type(_secret_access_key) is str else ""

        _session_token = d.pop("session_token", UNSET)
        session_token = _session_token if type(_session_token) is str else ""

        _bucket = d.pop("bucket", UNSET)
        bucket = _bucket if type(_bucket) is str else ""

        _key = d.pop("key", UNSET)
        key = _key if type(_key) is str else ""

        _region = d.pop("region", UNSET)
        region = _region if type(_region) is str else ""

        _use_transfer_acceleration = d.pop("use_transfer_acceleration", UNSET)
        use_transfer_acceleration = (
            _use_transfer_acceleration if type(_use_transfer_acceleration) is bool else False
        )

        _filename = d.pop("filename", UNSET)
        filename = _filename if type(_filename) is str else ""

        _expiration = d.pop("expiration", UNSET)
        expiration: datetime.datetime | Unset = (
            reading.time(_expiration)
            if type(_expiration) is str
            else _expiration
            if type(_expiration) is datetime.datetime
            else UNSET
        )

        s3_credentials = cls.__new__(cls)
        s3_credentials.access_key_id = access_key_id
        s3_credentials.secret_access_key = secret_access_key
        s3_credentials.session_token = session_token
        s3_credentials.bucket = bucket
        s3_credentials.key = key
        s3_credentials.region = region
        s3_credentials.use_transfer_acceleration = use_transfer_acceleration
        s3_credentials.filename = filename
        s3_credentials.expiration = expiration

        s3_credentials.additional_properties = d or {}
        return s3_credentials

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
