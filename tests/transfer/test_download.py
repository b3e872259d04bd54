"""Files down, over connections that break."""

import base64
import hashlib
import os
import re
import resource
import stat
import tracemalloc
from pathlib import Path

import pytest
from support.scripted_server import Raw, Reply, Request, Script, ScriptedServer, Step
from support.transfer_fixtures import CONTENT, SECRET, FileServer, session

from qai_hub.errors import Error, InternalError, RateLimitedError, UserError
from qai_hub.transfer.download import download
from qai_hub.transport.session import Session

__all__ = ["session"]


def ranges(server: ScriptedServer) -> list[str | None]:
    return [request.headers.get("range") for request in server.requests]


def fetch(session: Session, script: Script, path: Path) -> ScriptedServer:
    with ScriptedServer(script) as server:
        download(session, f"{server.url}/files/f/{SECRET}", path)
    return server


def test_a_file_arrives(session: Session, tmp_path: Path) -> None:
    path = tmp_path / "new/folder/m.bin"
    server = fetch(session, FileServer(), path)
    assert path.read_bytes() == CONTENT
    assert [other.name for other in path.parent.iterdir()] == ["m.bin"]
    (request,) = server.requests
    assert request.target == f"/files/f/{SECRET}"
    assert request.headers["accept-encoding"] == "identity"
    assert "authorization" not in request.headers


def test_modes_follow_the_umask(session: Session, tmp_path: Path) -> None:
    before = os.umask(0o027)
    try:
        fetch(session, FileServer(b"x"), tmp_path / "m")
    finally:
        os.umask(before)
    assert stat.S_IMODE((tmp_path / "m").stat().st_mode) == 0o640


@pytest.mark.parametrize("size", [0, 1, 65536, 1_048_576, 1_048_577])
def test_files_of_any_size(session: Session, tmp_path: Path, size: int) -> None:
    fetch(session, FileServer(CONTENT[:size]), tmp_path / "m")
    assert (tmp_path / "m").read_bytes() == CONTENT[:size]


def test_a_broken_download_goes_on_where_it_broke(session: Session, tmp_path: Path) -> None:
    server = fetch(session, FileServer(breaks=[500_000, 500_001, 2_000_000]), tmp_path / "m")
    assert (tmp_path / "m").read_bytes() == CONTENT
    assert ranges(server) == [None, "bytes=500000-", "bytes=500001-", "bytes=2000000-"]
    assert {request.headers.get("if-range") for request in server.requests[1:]} == {'"v1"'}


@pytest.mark.parametrize("headers", [{}, {"ETag": 'W/"v1"'}, {"ETag": "v1"}])
def test_without_a_strong_tag_it_starts_again(
    session: Session, tmp_path: Path, headers: dict[str, str]
) -> None:
    server = fetch(session, FileServer(breaks=[500_000], headers=headers), tmp_path / "m")
    assert (tmp_path / "m").read_bytes() == CONTENT
    assert ranges(server) == [None, None]


def test_a_server_without_ranges(session: Session, tmp_path: Path) -> None:
    server = fetch(session, FileServer(breaks=[500_000], ranges=False), tmp_path / "m")
    assert (tmp_path / "m").read_bytes() == CONTENT
    assert ranges(server) == [None, "bytes=500000-"]


def test_a_file_that_changes_on_the_way(session: Session, tmp_path: Path) -> None:
    serve = FileServer(b"a" * 200_000, breaks=[100_000])

    def change(request: Request) -> Step:
        step = serve(request)
        serve.content, serve.headers = b"b" * 150_000, {"ETag": '"v2"'}
        return step

    fetch(session, change, tmp_path / "m")
    assert (tmp_path / "m").read_bytes() == b"b" * 150_000


def test_an_unsatisfiable_range_starts_again(session: Session, tmp_path: Path) -> None:
    steps = [
        Reply(200, b"x" * 100, {"ETag": '"1"'}, cut=60),
        Reply(416),
        Reply(200, b"y" * 80, {"ETag": '"2"'}),
    ]
    fetch(session, steps, tmp_path / "m")
    assert (tmp_path / "m").read_bytes() == b"y" * 80


def test_breaks_without_progress_are_bounded(session: Session, tmp_path: Path) -> None:
    with pytest.raises(InternalError, match="A communication error occurred with") as caught:
        fetch(session, [Reply(200, b"x" * 100, cut=10)], tmp_path / "m")
    assert "s3cret" not in str(caught.value)
    assert list(tmp_path.iterdir()) == []
    many = list(range(70_000, 3_000_000, 70_000))
    fetch(session, FileServer(breaks=many), tmp_path / "m")
    assert (tmp_path / "m").read_bytes() == CONTENT


def digest(content: bytes) -> str:
    return f"sha-256=:{base64.b64encode(hashlib.sha256(content).digest()).decode()}:"


@pytest.mark.parametrize(
    "header",
    [digest(CONTENT), f"sha-512=:AAAA:, {digest(CONTENT)}", f"unixsum=:AAA=:,{digest(CONTENT)}"],
)
def test_a_digest_is_checked_also_after_a_break(
    session: Session, tmp_path: Path, header: str
) -> None:
    headers = {"ETag": '"v1"', "Repr-Digest": header}
    fetch(session, FileServer(breaks=[1_000_000], headers=headers), tmp_path / "m")
    assert (tmp_path / "m").read_bytes() == CONTENT
    with pytest.raises(InternalError, match="arrived damaged"):
        fetch(session, FileServer(CONTENT[::-1], headers=headers), tmp_path / "other")
    assert [path.name for path in tmp_path.iterdir()] == ["m"]


@pytest.mark.parametrize("header", ["", "sha-256", "sha-256=::", "sha-256=:!!:", "sha-512=:AAAA:"])
def test_digests_that_say_nothing(session: Session, tmp_path: Path, header: str) -> None:
    fetch(session, FileServer(b"x", headers={"Repr-Digest": header}), tmp_path / "m")
    assert (tmp_path / "m").read_bytes() == b"x"


@pytest.mark.parametrize(
    "content_range",
    ["", "bytes 0-99/100", "bytes 50-99/100", "bytes 60-98/99", "items 60-99/100", "bytes 60-"],
)
def test_another_range_than_asked_for(session: Session, tmp_path: Path, content_range: str) -> None:
    def answer(request: Request) -> Step:
        if "range" in request.headers:
            return Reply(206, b"y" * 40, {"ETag": '"1"', "Content-Range": content_range})
        return Reply(200, b"x" * 100, {"ETag": '"1"'}, cut=60)

    with pytest.raises(InternalError, match="another range"):
        fetch(session, answer, tmp_path / "m")
    assert list(tmp_path.iterdir()) == []


def test_another_range_once(session: Session, tmp_path: Path) -> None:
    steps = [
        Reply(200, b"x" * 100, {"ETag": '"1"'}, cut=60),
        Reply(206, b"y" * 40, {"ETag": '"1"', "Content-Range": "bytes 50-89/100"}),
        Reply(200, b"x" * 100, {"ETag": '"1"'}),
    ]
    fetch(session, steps, tmp_path / "m")
    assert (tmp_path / "m").read_bytes() == b"x" * 100


@pytest.mark.parametrize(
    "spoilt",
    [
        Reply(200, b"<html><title>Sign in</title></html>", {"Content-Type": "text/html"}),
        Reply(200, b"other bytes", {"Content-Type": "application/octet-stream"}),
        Reply(200, b"", {}),
        Reply(204, b"", {}),
    ],
)
def test_what_came_in_place_of_the_file_is_asked_for_anew(
    session: Session, tmp_path: Path, spoilt: Reply
) -> None:
    sha256 = hashlib.sha256(b"content").hexdigest()
    with ScriptedServer([spoilt, spoilt, Reply(200, b"content")]) as server:
        download(session, server.url, tmp_path / "m.onnx", sha256=sha256)
        assert len(server.requests) == 3
    assert (tmp_path / "m.onnx").read_bytes() == b"content"


@pytest.mark.parametrize("capitals", [False, True])
def test_a_file_is_held_to_the_digest_that_was_announced(
    session: Session, tmp_path: Path, capitals: bool
) -> None:
    sha256 = hashlib.sha256(b"content").hexdigest()
    if capitals:
        sha256 = sha256.upper()
    with ScriptedServer([Reply(200, b"other bytes")]) as server:
        with pytest.raises(InternalError, match="SHA-256 does not match"):
            download(session, server.url, tmp_path / "m.onnx", sha256=sha256)
        assert len(server.requests) == 3
    assert list(tmp_path.iterdir()) == []


def test_a_range_that_ends_early_is_continued(session: Session, tmp_path: Path) -> None:
    def half(request: Request) -> Step:
        asked = re.fullmatch(r"bytes=(\d+)-", request.headers.get("range", ""))
        if asked is None:
            return Reply(200, b"x" * 1000, {"ETag": '"1"'}, cut=400)
        start = int(asked[1])
        end = min(start + 200, 1000)
        headers = {"ETag": '"1"', "Content-Range": f"bytes {start}-{end - 1}/1000"}
        return Reply(206, b"x" * (end - start), headers)

    fetch(session, half, tmp_path / "m")
    assert (tmp_path / "m").read_bytes() == b"x" * 1000


def test_a_body_of_unknown_length(session: Session, tmp_path: Path) -> None:
    body = b"3\r\nabc\r\n2\r\nde\r\n0\r\n\r\n"
    raw = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n" + body
    fetch(session, [Raw(raw)], tmp_path / "m")
    assert (tmp_path / "m").read_bytes() == b"abcde"
    with pytest.raises(InternalError, match="communication error"):
        fetch(session, [Raw(raw[:-5])], tmp_path / "n")


def test_an_encoded_body_is_refused(session: Session, tmp_path: Path) -> None:
    with pytest.raises(InternalError, match="encoded"):
        fetch(session, FileServer(b"x", headers={"Content-Encoding": "gzip"}), tmp_path / "m")


@pytest.mark.parametrize(
    ("status", "kind"),
    [
        (403, UserError),
        (404, UserError),
        (410, UserError),
        (500, InternalError),
        (429, RateLimitedError),
    ],
)
def test_refused_downloads_leave_nothing(
    session: Session, tmp_path: Path, status: int, kind: type[Error]
) -> None:
    path = tmp_path / "m"
    path.write_bytes(b"the old one")
    with pytest.raises(kind) as caught:
        fetch(session, [Reply(status, b"<Code>Nope</Code>")], path)
    assert "Nope" in str(caught.value)
    assert path.read_bytes() == b"the old one"
    assert list(tmp_path.iterdir()) == [path]


def test_an_expired_address_on_the_way(session: Session, tmp_path: Path) -> None:
    steps = [Reply(200, b"x" * 100, {"ETag": '"1"'}, cut=60), Reply(403, b"<Code>Expired</Code>")]
    with pytest.raises(UserError, match=r"Expired.*try again"):
        fetch(session, steps, tmp_path / "m")
    assert list(tmp_path.iterdir()) == []


def test_redirects_of_downloads_are_followed(session: Session, tmp_path: Path) -> None:
    def serve(request: Request) -> Step:
        if request.path == "/files/f/":
            return Reply(307, headers={"Location": "/moved/?signature=s3cret"})
        return Reply(200, b"here")

    server = fetch(session, serve, tmp_path / "m")
    assert (tmp_path / "m").read_bytes() == b"here"
    assert server.requests[-1].target == "/moved/?signature=s3cret"


@pytest.mark.parametrize(
    ("location", "told"),
    [
        ("/files/f/", "redirects more than 5 times"),
        ("file:///etc/passwd", "invalid URL"),
        ("http://host:port/", "communication error"),
    ],
)
def test_redirects_to_nowhere(session: Session, tmp_path: Path, location: str, told: str) -> None:
    with pytest.raises(InternalError, match=told):
        fetch(session, [Reply(302, headers={"Location": location})], tmp_path / "m")
    assert list(tmp_path.iterdir()) == []


def test_a_disk_that_is_full(session: Session, tmp_path: Path) -> None:
    """A limit on the size of files stands for the end of the disk."""
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (1_500_000, hard))
    try:
        with pytest.raises(OSError, match="File too large"):
            fetch(session, FileServer(), tmp_path / "m")
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
    assert list(tmp_path.iterdir()) == []


def test_memory_is_constant(session: Session, tmp_path: Path) -> None:
    with ScriptedServer([Reply(200, bytes(60_000_000))]) as server:
        tracemalloc.start()
        download(session, server.url, tmp_path / "m")
        _, peak = tracemalloc.get_traced_memory()
        tracemalloc.stop()
    assert (tmp_path / "m").stat().st_size == 60_000_000
    assert peak < 5_000_000


def test_long_names(session: Session, tmp_path: Path) -> None:
    path = tmp_path / ("界" * 83 + ".bin")
    fetch(session, FileServer(b"x"), path)
    assert path.read_bytes() == b"x"
