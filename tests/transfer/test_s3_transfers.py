"""Files to and from a store with S3's interface, by short-lived credentials."""

import _thread
import io
import logging
import random
import threading
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from qai_hub_api.models import S3Credentials
from support.breaking_proxy import BreakingProxy
from support.s3_store import SECRETS, Store, _running, credentials, store
from support.scripted_server import Drop, Reply, Request, ScriptedServer, Step
from support.secret_assertions import assert_not_exposed
from support.transfer_fixtures import session

from qai_hub.errors import Error, InternalError, UserError
from qai_hub.transfer.download import download
from qai_hub.transfer.s3 import CHECKSUM_MODE_HEADERS, StoredObject
from qai_hub.transfer.s3_upload import part_size, upload_object
from qai_hub.transport.session import Session

__all__ = ["_running", "session", "store"]

MIB = 1024 * 1024
PART = 16 * MIB
CONTENT = random.Random(3).randbytes(PART + 1)
KEY = "models/m.onnx"


def at(url: str, key: str = KEY) -> StoredObject:
    return StoredObject(S3Credentials.from_dict(credentials(key)), endpoint=url)


def file_of(folder: Path, size: int) -> Path:
    path = folder / "model.onnx"
    path.write_bytes(CONTENT[:size])
    return path


def fetch(session: Session, stored: StoredObject, path: Path) -> bytes:
    url = stored.sign("GET", CHECKSUM_MODE_HEADERS)
    download(session, url, path, headers=CHECKSUM_MODE_HEADERS)
    return path.read_bytes()


@pytest.mark.parametrize("size", [0, 1, PART - 1, PART, PART + 1])
def test_files_of_any_size(session: Session, store: Store, tmp_path: Path, size: int) -> None:
    stored = at(store.url)
    upload_object(session, file_of(tmp_path, size), stored)
    assert store.get(KEY) == CONTENT[:size]
    assert store.unfinished() == 0
    assert fetch(session, stored, tmp_path / "back") == CONTENT[:size]


def test_a_file_of_one_part_is_sent_at_once(session: Session, tmp_path: Path) -> None:
    with ScriptedServer([Reply(200, headers={"ETag": '"t"'})]) as server:
        upload_object(session, file_of(tmp_path, PART), at(server.url))
        assert [request.method for request in server.requests] == ["PUT"]


@pytest.mark.parametrize("key", ["m", "a/b c+d&e=f#g?h%20i~j.onnx", "модель/ü.onnx"])
def test_keys_of_all_kinds(session: Session, store: Store, tmp_path: Path, key: str) -> None:
    upload_object(session, file_of(tmp_path, 10), at(store.url, key))
    assert store.get(key) == CONTENT[:10]
    assert fetch(session, at(store.url, key), tmp_path / "back") == CONTENT[:10]


def test_what_is_sent_is_what_was_signed(session: Session, tmp_path: Path) -> None:
    with ScriptedServer([Reply(200, b"x")]) as server:
        stored = at(server.url, "a/b c+d&e=f~.onnx")
        signed = stored.sign("GET", CHECKSUM_MODE_HEADERS, versionId="a b+c")
        download(session, signed, tmp_path / "f", headers=CHECKSUM_MODE_HEADERS)
    (request,) = server.requests
    assert f"{server.url}{request.target}" == str(signed)
    assert "X-Amz-SignedHeaders=host%3Bx-amz-checksum-mode&" in request.target
    assert request.headers["x-amz-checksum-mode"] == "ENABLED"
    assert request.headers["host"] == server.host
    assert "authorization" not in request.headers


# -- faults --------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("what", "size", "targets"), [("drop_request", 1, 2), ("drop_answer", PART + 1, 5)]
)
def test_each_request_may_break_once(
    session: Session, store: Store, tmp_path: Path, what: str, size: int, targets: int
) -> None:
    """Before the store sees it, or after it has done its work."""
    seen: set[str] = set()

    def first(request: Request) -> bool:
        target = f"{request.method} {request.target}".partition("X-Amz-Algorithm")[0]
        fresh = target not in seen
        seen.add(target)
        return fresh

    with BreakingProxy(store.port, **{what: first}) as proxy:
        upload_object(session, file_of(tmp_path, size), at(proxy.url))
        assert store.get(KEY) == CONTENT[:size]
        assert fetch(session, at(proxy.url), tmp_path / "back") == CONTENT[:size]
    assert len(seen) == targets
    assert len(proxy.requests) == 2 * targets


def slow_down(request: Request) -> Reply:
    return Reply(503, b"<Error><Code>SlowDown</Code><Message>Reduce your rate.</Message></Error>")


def test_a_store_that_asks_to_slow_down(session: Session, tmp_path: Path) -> None:
    with ScriptedServer(slow_down) as server:
        with pytest.raises(InternalError, match="SlowDown") as caught:
            upload_object(session, file_of(tmp_path, 1), at(server.url))
        assert len(server.requests) == 8
    assert caught.value.status_code == 503


@pytest.mark.parametrize("size", [1, PART + 1])
@pytest.mark.parametrize(
    ("status", "code", "kind"),
    [
        (400, "ExpiredToken", UserError),
        (403, "AccessDenied", UserError),
        (403, "RequestTimeTooSkewed", UserError),
        (400, "AuthorizationHeaderMalformed", InternalError),
        (400, "AuthorizationQueryParametersError", InternalError),
        (404, "NoSuchBucket", InternalError),
        (301, "PermanentRedirect", InternalError),
    ],
)
def test_refusals(
    session: Session,
    tmp_path: Path,
    caplog: pytest.LogCaptureFixture,
    size: int,
    status: int,
    code: str,
    kind: type[Error],
) -> None:
    caplog.set_level(logging.DEBUG)
    body = (
        f"<Error><Code>{code}</Code><Message>No.</Message><Region>eu-north-1</Region>"
        f"<AWSAccessKeyId>{SECRETS[0]}</AWSAccessKeyId><StringToSign>{SECRETS[2]}</StringToSign>"
        "</Error>"
    ).encode()
    with ScriptedServer([Reply(status, body, {"x-amz-request-id": "R1"})]) as server:
        path = file_of(tmp_path, size)
        for act in (
            lambda: upload_object(session, path, at(server.url)),
            lambda: fetch(session, at(server.url), tmp_path / "back"),
        ):
            with pytest.raises(kind, match=f"{code}: No") as caught:
                act()
            told = "try again" in str(caught.value)
            assert told is (kind is UserError)
            assert caught.value.request_id == "R1"
            assert caught.value.status_code == status
            for secret in SECRETS:
                assert_not_exposed(secret, caught.value)
            assert "X-Amz-" not in str(caught.value.__dict__)
        assert len(server.requests) == 2
    logged = "\n".join(f"{record.getMessage()} {record.args}" for record in caplog.records)
    assert "httpcore" in {record.name.partition(".")[0] for record in caplog.records}
    for shown in (*SECRETS, "X-Amz-Signature", "s3cret"):
        assert shown not in logged
    assert not (tmp_path / "back").exists()


# -- uploads in parts ----------------------------------------------------------------------------

STARTED = Reply(200, b"<R><UploadId>id&amp;1</UploadId></R>")
DONE = Reply(200, b"<CompleteMultipartUploadResult/>")
UNFINISHED = Reply(200, b"<Error><Code>InternalError</Code><Message>Oh.</Message></Error>")


class Parts:
    """Takes an upload in parts, and answers its end as it is told."""

    def __init__(self, ends: list[Step], part: Reply | None = None) -> None:
        self.ends = ends
        self.part = part or Reply(200, headers={"ETag": '"a&b"'})
        self.called_off = 0

    def __call__(self, request: Request) -> Step:
        if request.method == "PUT":
            return self.part
        if request.method == "DELETE":
            self.called_off += 1
            return Reply(204)
        if "uploads=" in request.target:
            return STARTED
        assert request.target.partition("?")[2].startswith("uploadId=id%261&")
        self.sent = request.body
        return self.ends.pop(0)


def test_an_end_that_fails_after_its_status_is_sent_again(session: Session, tmp_path: Path) -> None:
    script = Parts([UNFINISHED, Reply(500), UNFINISHED, DONE])
    with ScriptedServer(script) as server:
        upload_object(session, file_of(tmp_path, PART + 1), at(server.url))
    assert script.ends == []
    assert script.called_off == 0
    assert script.sent.count(b'<ETag>"a&amp;b"</ETag>') == 2
    assert b"<PartNumber>1<" in script.sent
    assert b"<PartNumber>2<" in script.sent


def test_an_end_that_fails_for_good_is_told(session: Session, tmp_path: Path) -> None:
    script = Parts([UNFINISHED] * 8)
    with ScriptedServer(script) as server, pytest.raises(InternalError, match="InternalError: Oh"):
        upload_object(session, file_of(tmp_path, PART + 1), at(server.url))
    assert script.ends == []
    assert script.called_off == 1


def test_an_end_whose_answer_was_lost(session: Session, tmp_path: Path) -> None:
    gone = Reply(404, b"<Error><Code>NoSuchUpload</Code><Message>Gone.</Message></Error>")
    with ScriptedServer(Parts([Drop(), gone])) as server:
        upload_object(session, file_of(tmp_path, PART + 1), at(server.url))
    script = Parts([gone])
    with ScriptedServer(script) as server, pytest.raises(UserError, match="NoSuchUpload"):
        upload_object(session, file_of(tmp_path, PART + 1), at(server.url))
    assert script.called_off == 1


def test_a_start_that_is_not_understood(session: Session, tmp_path: Path) -> None:
    with ScriptedServer([Reply(200, b"<Result>")]) as server:
        with pytest.raises(InternalError, match="sent no UploadId"):
            upload_object(session, file_of(tmp_path, PART + 1), at(server.url))
        assert len(server.requests) == 1


def test_a_store_that_is_gone_does_not_hold_the_error_up(session: Session, tmp_path: Path) -> None:
    def script(request: Request) -> Step:
        if request.method == "DELETE":
            return Drop()
        return STARTED if request.method == "POST" else Reply(403)

    with ScriptedServer(script) as server:
        with pytest.raises(UserError, match="403"):
            upload_object(session, file_of(tmp_path, PART + 1), at(server.url))
        assert [r.method for r in server.requests].count("DELETE") == 1


def test_an_upload_that_fails_leaves_no_parts(
    session: Session, store: Store, tmp_path: Path
) -> None:
    with BreakingProxy(
        store.port, drop_request=lambda request: "partNumber=2" in request.target
    ) as proxy:
        with pytest.raises(InternalError, match="communication error"):
            upload_object(session, file_of(tmp_path, PART + 1), at(proxy.url))
        assert sum("partNumber=2" in target for target in proxy.targets) == 8
    assert store.get(KEY) is None
    assert store.unfinished() == 0


def test_control_c_leaves_no_parts(session: Session, store: Store, tmp_path: Path) -> None:
    going = threading.Event()

    def interrupt(request: Request) -> bool:
        if "partNumber=1" in request.target and not going.is_set():
            going.set()
            assert store.unfinished() == 1
            _thread.interrupt_main()
        return False

    broken = BreakingProxy(store.port, drop_request=interrupt)
    with broken as proxy, pytest.raises(KeyboardInterrupt):
        upload_object(session, file_of(tmp_path, PART + 1), at(proxy.url))
    assert going.is_set()
    assert store.get(KEY) is None
    assert store.unfinished() == 0


@given(st.integers(0, 5 * 1024**4))
def test_parts_are_as_many_and_as_large_as_s3_takes(size: int) -> None:
    each = part_size(size)
    assert -(-size // each) <= 10_000
    assert 5 * MIB <= each <= 5 * 1024 * MIB
    assert each % MIB == 0
    if size <= 160_000 * MIB:
        assert each == PART


# -- bars ----------------------------------------------------------------------------------------


def test_bytes_are_counted_once(
    session: Session, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    log = io.StringIO()
    monkeypatch.setattr("sys.stderr", log)
    parts = Parts([DONE])
    broken: list[Step] = [Reply(503), Drop()]

    def script(request: Request) -> Step:
        return broken.pop() if broken and request.method == "PUT" else parts(request)

    with ScriptedServer(script) as server:
        upload_object(session, file_of(tmp_path, PART + 1), at(server.url), show=True)
    assert log.getvalue().startswith("Uploaded model.onnx: 16.8 MB in ")
