"""What short-lived credentials sign, whatever the environment says."""

import datetime as dt
import logging
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import botocore.auth
import pytest
from botocore.auth import SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials
from qai_hub_api.models import S3Credentials
from support.s3_store import SECRETS, credentials
from support.secret_assertions import assert_not_exposed

from qai_hub.errors import InternalError
from qai_hub.transfer import s3
from qai_hub.transfer.s3 import StoredObject, is_s3_supported

AMBIENT = {
    "AWS_ACCESS_KEY_ID": "ambient",
    "AWS_SECRET_ACCESS_KEY": "ambient",
    "AWS_SESSION_TOKEN": "ambient",
    "AWS_PROFILE": "no-such-profile",
    "AWS_DEFAULT_PROFILE": "no-such-profile",
    "AWS_REGION": "eu-north-1",
    "AWS_DEFAULT_REGION": "eu-north-1",
    "AWS_ENDPOINT_URL": "http://127.0.0.1:9",
    "AWS_ENDPOINT_URL_S3": "http://127.0.0.1:9",
    "AWS_CA_BUNDLE": "/nowhere",
    "AWS_USE_FIPS_ENDPOINT": "true",
    "AWS_USE_DUALSTACK_ENDPOINT": "true",
    "AWS_S3_US_EAST_1_REGIONAL_ENDPOINT": "legacy",
    "AWS_DEFAULTS_MODE": "auto",
    "AWS_MAX_ATTEMPTS": "no number",
    "AWS_RETRY_MODE": "none",
}


@pytest.fixture
def ambient(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Settings of a machine on which somebody works with Amazon's tools."""
    folder = tmp_path / ".aws"
    folder.mkdir()
    (folder / "config").write_text("[default]\nendpoint_url = http://127.0.0.1:9\n[profile")
    (folder / "credentials").write_text("no ini file")
    monkeypatch.setenv("HOME", str(tmp_path))
    for name, value in AMBIENT.items():
        monkeypatch.setenv(name, value)


def signed(**changes: Any) -> str:
    return str(StoredObject(S3Credentials.from_dict(credentials(**changes))).sign("GET"))


@pytest.mark.parametrize(
    ("changes", "url"),
    [
        ({}, "https://bucket.s3.us-west-2.amazonaws.com/models/m.onnx"),
        ({"region": "us-east-1"}, "https://bucket.s3.us-east-1.amazonaws.com/models/m.onnx"),
        ({"region": "cn-north-1"}, "https://bucket.s3.cn-north-1.amazonaws.com.cn/models/m.onnx"),
        ({"bucket": "a.b"}, "https://s3.us-west-2.amazonaws.com/a.b/models/m.onnx"),
        (
            {"use_transfer_acceleration": True},
            "https://bucket.s3-accelerate.amazonaws.com/models/m.onnx",
        ),
        ({"key": "a b/ü+.onnx"}, "https://bucket.s3.us-west-2.amazonaws.com/a%20b/%C3%BC%2B.onnx"),
    ],
)
@pytest.mark.usefixtures("ambient")
def test_where_objects_are(changes: dict[str, Any], url: str) -> None:
    address, _, query = signed(**changes).partition("?")
    assert address == url
    values = {name: value for name, (value,) in parse_qs(query, strict_parsing=True).items()}
    region = changes.get("region", "us-west-2")
    assert values["X-Amz-Credential"].split("/")[0] == SECRETS[0]
    assert values["X-Amz-Credential"].endswith(f"/{region}/s3/aws4_request")
    assert values["X-Amz-Security-Token"] == SECRETS[2]
    assert len(values["X-Amz-Signature"]) == 64


def test_models_that_a_user_keeps_have_no_effect(tmp_path: Path) -> None:
    newer = tmp_path / ".aws/models/s3/2099-01-01"
    newer.mkdir(parents=True)
    (newer / "endpoint-rule-set-1.json").write_text("{}")
    code = (
        "from qai_hub_api.models import S3Credentials\n"
        "from qai_hub.transfer.s3 import StoredObject\n"
        f"print(StoredObject(S3Credentials.from_dict({credentials()!r})).sign('GET').split('?')[0])"
    )
    models = str(tmp_path / ".aws/models")
    environment = {**os.environ, "HOME": str(tmp_path), "AWS_DATA_PATH": models}
    done = subprocess.run(
        [sys.executable, "-c", code], env=environment, capture_output=True, text=True, check=True
    )
    assert done.stdout.strip() == "https://bucket.s3.us-west-2.amazonaws.com/models/m.onnx"


def test_a_signature_as_amazon_documents_it(monkeypatch: pytest.MonkeyPatch) -> None:
    """The example of the S3 manual."""
    monkeypatch.setattr(s3, "_LIFETIME", 86400)
    moment = dt.datetime(2013, 5, 24)
    monkeypatch.setattr(botocore.auth, "get_current_datetime", lambda: moment)
    given = credentials(
        "test.txt",
        access_key_id="AKIAIOSFODNN7EXAMPLE",
        secret_access_key="wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY",
        session_token="",
        bucket="examplebucket",
        region="us-east-1",
    )
    stored = StoredObject(S3Credentials.from_dict(given), endpoint="https://s3.amazonaws.com")
    url = urlsplit(stored.sign("GET"))
    assert (url.netloc, url.path) == ("examplebucket.s3.amazonaws.com", "/test.txt")
    assert parse_qs(url.query, strict_parsing=True) == {
        "X-Amz-Algorithm": ["AWS4-HMAC-SHA256"],
        "X-Amz-Credential": ["AKIAIOSFODNN7EXAMPLE/20130524/us-east-1/s3/aws4_request"],
        "X-Amz-Date": ["20130524T000000Z"],
        "X-Amz-Expires": ["86400"],
        "X-Amz-SignedHeaders": ["host"],
        "X-Amz-Signature": ["aeeed9bbccd4d02ee5c0109b86d86835f995330da4c265957d157751f604d404"],
    }


@pytest.mark.parametrize(
    "changes",
    [
        {"region": ""},
        {"region": "evil.example/"},
        {"region": "cn-north-1", "use_transfer_acceleration": True},
        {"bucket": "a.b", "use_transfer_acceleration": True},
    ],
)
def test_storage_that_has_no_address(changes: dict[str, Any]) -> None:
    with pytest.raises(InternalError, match="a store without an endpoint: ") as caught:
        signed(**changes)
    for secret in SECRETS:
        assert_not_exposed(secret, caught.value)


def test_nothing_shows_the_credentials(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    given = S3Credentials.from_dict(credentials())
    stored = StoredObject(given)
    url = stored.sign("PUT", uploadId="x")
    for thing in (given, stored, vars(stored), url, [url]):
        for secret in SECRETS:
            assert secret not in repr(thing)
        assert "X-Amz-Signature" not in repr(thing)
    assert [record for record in caplog.records if record.name.startswith("botocore.auth")] == []


def test_what_a_program_signs_itself_is_logged_as_ever(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    signed()
    request: Any = AWSRequest("GET", "https://example.com/", {})
    SigV4Auth(Credentials("mine", "mine"), "s3", "us-west-2").add_auth(request)
    assert "StringToSign" in caplog.text
    assert not any(secret in caplog.text for secret in SECRETS)


@pytest.fixture
def _without_the_extra(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.setitem(sys.modules, "botocore", None)
    is_s3_supported.cache_clear()
    yield
    is_s3_supported.cache_clear()


def test_with_the_extra() -> None:
    assert is_s3_supported() is True


@pytest.mark.usefixtures("_without_the_extra")
def test_without_the_extra() -> None:
    assert is_s3_supported() is False
    given = S3Credentials.from_dict(credentials())
    with pytest.raises(InternalError, match=r"qai-hub-openapi\[s3\]") as caught:
        StoredObject(given)
    for secret in SECRETS:
        assert_not_exposed(secret, caught.value)
        assert secret not in repr(given)
