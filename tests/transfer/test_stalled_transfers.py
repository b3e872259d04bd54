"""Transfers that get no further end, and leave nothing under the user's name."""

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from support.scripted_server import Raw, Reply, Request, ScriptedServer, Step
from support.transfer_fixtures import CONTENT, SECRET, FileServer, file, part_urls, session

from qai_hub.errors import InternalError
from qai_hub.transfer.download import download
from qai_hub.transfer.upload import upload_form, upload_parts
from qai_hub.transport import retry as pace
from qai_hub.transport.retry import RetryPolicy
from qai_hub.transport.session import Session

__all__ = ["file", "session"]


def refused(session: Session, script: object, path: Path) -> tuple[InternalError, int]:
    """The error of a download, and the requests that it took; no file is left."""
    with ScriptedServer(script) as server:  # type: ignore[arg-type]
        with pytest.raises(InternalError) as caught:
            download(session, f"{server.url}/f{SECRET}", path)
        count = len(server.requests)
    assert "s3cret" not in str(caught.value)
    assert list(path.parent.iterdir()) == []
    return caught.value, count


@pytest.mark.parametrize("cut", [1, 70_000, 2_999_999])
def test_a_server_that_always_cuts_at_the_same_place(
    session: Session, tmp_path: Path, cut: int
) -> None:
    error, count = refused(session, [Reply(200, CONTENT, cut=cut)], tmp_path / "m")
    assert count <= 10
    assert f"stopped after {cut} of 3000000 bytes" in str(error)


def test_going_back_and_forth_is_no_progress(session: Session, tmp_path: Path) -> None:
    """Each try comes far, by other bytes of a file that changes all the time."""
    number = iter(range(1000))

    def serve(_: Request) -> Step:
        now = next(number)
        return Reply(200, CONTENT, {"ETag": f'"{now}"'}, cut=200_000 + now % 2 * 100_000)

    error, count = refused(session, serve, tmp_path / "m")
    assert count <= 30
    assert "after 300000 of 3000000 bytes" in str(error)


def test_faults_of_both_kinds_count_together(session: Session, tmp_path: Path) -> None:
    """Answers that break off, and requests that are refused for now."""
    steps: Iterator[Step] = iter([Reply(200, CONTENT, cut=10), *[Reply(503)] * 3] * 100)
    _, count = refused(session, lambda _: next(steps), tmp_path / "m")
    assert count <= 10


def test_a_server_that_sends_a_little_more_each_time_is_worth_waiting_for(
    session: Session, tmp_path: Path
) -> None:
    breaks = list(range(100_000, len(CONTENT), 100_000))
    with ScriptedServer(FileServer(breaks=breaks)) as server:
        download(session, server.url, tmp_path / "m")
    assert (tmp_path / "m").read_bytes() == CONTENT


class Rushing:
    """A clock on which a minute passes at each look."""

    def __init__(self) -> None:
        self.now = 0.0

    def __call__(self) -> float:
        self.now += 60.0
        return self.now


def rushing() -> Session:
    return Session(clock=Rushing(), policy=RetryPolicy(max_attempts=3), sleep=lambda _: None)


def test_a_download_that_drips(tmp_path: Path) -> None:
    chunks = b"".join(b"1\r\nx\r\n" for _ in range(200_000))
    head = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"
    with rushing() as session:
        error, count = refused(session, [Raw(head + chunks)], tmp_path / "m")
    assert count == 1
    assert "almost stopped sending, after" in str(error)


def in_parts(session: Session, file: Path, server: ScriptedServer) -> None:
    upload_parts(session, file, part_urls(server, 1), 10**9)


def by_form(session: Session, file: Path, server: ScriptedServer) -> None:
    upload_form(session, file, server.url, "file", {})


Upload = Callable[[Session, Path, ScriptedServer], None]


@pytest.mark.parametrize("upload", [in_parts, by_form])
def test_an_upload_that_is_taken_in_drips(
    file: Path, monkeypatch: pytest.MonkeyPatch, upload: Upload
) -> None:
    monkeypatch.setattr(pace, "MIN_RATE", 10_000)
    with (
        rushing() as session,
        ScriptedServer([Reply(200, headers={"ETag": '"t"'})]) as server,
        pytest.raises(InternalError, match=r"almost stopped receiving after \d+ bytes"),
    ):
        upload(session, file, server)


def test_an_upload_whose_last_part_is_never_taken(session: Session, file: Path) -> None:
    def serve(request: Request) -> Step:
        if request.path == "/parts/3/":
            return Raw(b"")
        return Reply(200, headers={"ETag": '"t"'})

    with ScriptedServer(serve) as server:
        with pytest.raises(
            InternalError, match=r"stopped after (0|\d{6,7}) of 3000000 bytes"
        ) as caught:
            upload_parts(session, file, part_urls(server, 4), 750_000)
        assert [request.path for request in server.requests].count("/parts/3/") == 8
    assert "s3cret" not in str(caught.value)


PAGE = b"<!DOCTYPE html><html><body>Please sign in</body></html>"


@pytest.mark.parametrize(
    ("name", "headers", "body", "told"),
    [
        ("m.onnx", {"Content-Type": "text/html; charset=utf-8"}, PAGE, "a web page"),
        ("job.log", {"Content-Type": "text/html"}, PAGE, "a web page"),
        ("m.onnx", {}, PAGE, "a web page"),
        ("m.dlc", {"Content-Type": "application/octet-stream"}, b" \n" + PAGE, "a web page"),
        ("m.onnx", {"Content-Type": "application/json"}, b'{"detail": "no"}', "a text"),
        ("m.h5", {"Content-Type": "application/xml"}, b"<Fault></Fault>", "a text"),
        ("m.h5", {}, b"<?xml version='1.0'?><Error><Code>x</Code>", "an error of the store"),
        ("x.json", {"Content-Type": "application/problem+json"}, b"{}", "an error"),
        ("m.onnx", {"Content-Type": "multipart/byteranges; boundary=x"}, b"--x", "parts of a file"),
        ("m.onnx", {}, b"", "an empty file"),
    ],
)
def test_what_is_no_such_file_is_not_saved(
    session: Session, tmp_path: Path, name: str, headers: dict[str, str], body: bytes, told: str
) -> None:
    error, count = refused(session, [Reply(200, body, headers)], tmp_path / name)
    assert f"{told}" in str(error)
    assert "instead. A portal" in str(error)
    assert count == 3


def test_a_page_that_begins_with_a_single_byte(session: Session, tmp_path: Path) -> None:
    rest = PAGE[1:]
    raw = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n1\r\n<\r\n%x\r\n%s\r\n0\r\n\r\n"
    error, _ = refused(session, [Raw(raw % (len(rest), rest))], tmp_path / "m.onnx")
    assert "a web page" in str(error)


@pytest.mark.parametrize("status", [204, 205, 206])
def test_answers_without_a_whole_file(session: Session, tmp_path: Path, status: int) -> None:
    headers = {"Content-Range": "bytes 0-1/2"} if status == 206 else {}
    error, count = refused(session, [Reply(status, b"", headers)], tmp_path / "m")
    assert f"status {status} is not a complete file" in str(error)
    assert count == 3


@pytest.mark.parametrize("name", ["m.onnx", "job.log"])
def test_an_empty_answer_in_place_of_the_rest(session: Session, tmp_path: Path, name: str) -> None:
    steps = [Reply(200, CONTENT, {"ETag": '"1"'}, cut=100_000), Reply(200, b"")]
    error, _ = refused(session, steps, tmp_path / name)
    assert "an empty file" in str(error)


@pytest.mark.parametrize("name", ["profile.json", "trace", "job.log"])
@pytest.mark.parametrize("media", ["application/json", "text/plain", "application/octet-stream"])
def test_texts_are_saved_where_they_are_asked_for(
    session: Session, tmp_path: Path, name: str, media: str
) -> None:
    with ScriptedServer([Reply(200, b'{"traceEvents": []}', {"Content-Type": media})]) as server:
        download(session, server.url, tmp_path / name)
    assert (tmp_path / name).read_bytes() == b'{"traceEvents": []}'


@pytest.mark.parametrize("upload", [in_parts, by_form])
def test_a_page_is_no_receipt(session: Session, file: Path, upload: Upload) -> None:
    with ScriptedServer([Reply(200, PAGE, {"ETag": '"t"'})]) as server:
        with pytest.raises(InternalError, match="answered with a web page"):
            upload(session, file, server)
        assert len(server.requests) == 3


@pytest.mark.parametrize(
    "spoilt",
    [
        Reply(200, PAGE, {"Content-Type": "text/html"}),
        Reply(200, b'{"id": "j', {"Content-Type": "application/json"}),
        Reply(200, b"It works!", {"Content-Type": "text/plain"}),
    ],
)
@pytest.mark.parametrize("upload", [in_parts, by_form])
def test_what_is_no_receipt_is_asked_for_anew(
    session: Session, file: Path, upload: Upload, spoilt: Reply
) -> None:
    with ScriptedServer([spoilt, spoilt, Reply(200, b"", {"ETag": '"t"'})]) as server:
        upload(session, file, server)
        assert len(server.requests) == 3
