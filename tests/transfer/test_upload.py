"""Files up, over connections that break."""

import email
import email.policy
import io
import threading
import time
import tracemalloc
from pathlib import Path

import pytest
from support.scripted_server import Drop, Refuse, Reply, Request, ScriptedServer, Step
from support.transfer_fixtures import CONTENT, SECRET, TRUST, PartStore, file, part_urls, session

from qai_hub.errors import InternalError, UserError
from qai_hub.transfer.upload import upload_form, upload_parts
from qai_hub.transport.retry import RetryPolicy
from qai_hub.transport.session import Session

__all__ = ["file", "session"]


@pytest.mark.parametrize("size", [999_999, 1_000_000, 2_999_999, 5_000_000])
def test_parts_arrive_in_order(session: Session, file: Path, size: int) -> None:
    store = PartStore()
    count = -(-len(CONTENT) // size)
    with ScriptedServer(store) as server:
        tags = upload_parts(session, file, part_urls(server, count), size)
        requests = server.requests
    assert tags == [f'"tag-{number}"' for number in range(count)]
    assert store.content() == CONTENT
    assert {request.method for request in requests} == {"PUT"}
    for request in requests:
        assert int(request.headers["content-length"]) == len(request.body)
        assert request.headers["host"] == server.host
        assert not {"authorization", "transfer-encoding", "content-type"} & set(request.headers)
        assert request.target.endswith(SECRET)


def test_an_empty_file(session: Session, tmp_path: Path) -> None:
    path = tmp_path / "empty"
    path.touch()
    store = PartStore()
    with ScriptedServer(store) as server:
        assert upload_parts(session, path, part_urls(server, 1), 100) == ['"tag-0"']
    assert store.parts == {0: b""}


def test_only_parts_that_failed_are_sent_again(session: Session, file: Path) -> None:
    store = PartStore({1: [Drop(), Reply(503), Drop()], 2: [Reply(500)]})
    with ScriptedServer(store) as server:
        upload_parts(session, file, part_urls(server, 4), 750_000)
        sent = sorted(request.path for request in server.requests)
    assert store.content() == CONTENT
    assert sent == ["/parts/0/", *["/parts/1/"] * 4, *["/parts/2/"] * 2, "/parts/3/"]


def test_a_server_that_answers_before_it_reads(session: Session, file: Path) -> None:
    with ScriptedServer([Refuse(), Reply(200, headers={"ETag": '"t"'})]) as server:
        assert upload_parts(session, file, part_urls(server, 1), 10**9) == ['"t"']
        assert server.requests[1].body == CONTENT


def test_a_refused_part_ends_the_upload(session: Session, file: Path) -> None:
    refusal = Reply(403, b"<Error><Code>AccessDenied</Code><Message>Expired</Message></Error>")
    store = PartStore({2: [refusal]})
    with ScriptedServer(store) as server:
        with pytest.raises(UserError, match="AccessDenied: Expired") as caught:
            upload_parts(session, file, part_urls(server, 100), 30_000)
        assert len(server.requests) < 100
    assert caught.value.url == f"{server.url}/parts/2/"


def test_a_refused_part_stops_those_on_their_way(file: Path) -> None:
    others = threading.Semaphore(0)

    def serve(request: Request) -> Step:
        if request.path == "/parts/0/":
            for _ in range(3):
                others.acquire(timeout=10)
            return Reply(403)
        others.release()
        return Reply(503)

    slowly = Session(
        verify=TRUST, policy=RetryPolicy(max_attempts=20), sleep=lambda _: time.sleep(0.2)
    )
    with slowly, ScriptedServer(serve) as server:
        with pytest.raises(UserError, match="403"):
            upload_parts(slowly, file, part_urls(server, 4), 750_000)
        assert len(server.requests) < 20


def test_a_part_that_never_arrives(session: Session, file: Path) -> None:
    with ScriptedServer([Drop()]) as server:
        with pytest.raises(InternalError, match="A communication error occurred with"):
            upload_parts(session, file, part_urls(server, 1), 10**9)
        assert len(server.requests) == 8


def test_a_part_without_an_etag(session: Session, file: Path) -> None:
    with (
        ScriptedServer([Reply(200)]) as server,
        pytest.raises(InternalError, match="without an ETag"),
    ):
        upload_parts(session, file, part_urls(server, 1), 10**9)


@pytest.mark.parametrize(("count", "size"), [(0, 10**9), (2, 10**9), (3, 999_999), (1, 0), (1, -5)])
def test_parts_that_do_not_fit(session: Session, file: Path, count: int, size: int) -> None:
    with pytest.raises(InternalError, match="file of 3000000 bytes"):
        upload_parts(session, file, ["http://127.0.0.1:9/"] * count, size)


def test_files_that_cannot_be_read(session: Session, tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError):
        upload_parts(session, tmp_path / "absent", ["http://127.0.0.1:9/"], 10)


@pytest.mark.parametrize(
    "url", ["", "/relative", "ftp://host/", "http://", "http://host:port/", "x" * 70_000]
)
def test_addresses_that_are_none(session: Session, file: Path, url: str) -> None:
    with pytest.raises(InternalError, match="invalid URL for a file"):
        upload_parts(session, file, [url], 10**9)


def test_a_file_that_shrinks(session: Session, file: Path) -> None:
    def shrink(request: Request) -> Step:
        file.write_bytes(b"short")
        return Drop()

    with (
        ScriptedServer(shrink) as server,
        pytest.raises(UserError, match="changed during the upload"),
    ):
        upload_parts(session, file, part_urls(server, 1), 10**9)


def test_ctrl_c_ends_an_upload(file: Path) -> None:
    def interrupted(seconds: float) -> None:
        raise KeyboardInterrupt

    store = PartStore({number: [Reply(503)] for number in range(30)})
    with (
        Session(verify=TRUST, sleep=interrupted) as session,
        ScriptedServer(store) as server,
        pytest.raises(KeyboardInterrupt),
    ):
        upload_parts(session, file, part_urls(server, 30), 100_000)


@pytest.mark.parametrize("form", [False, True])
def test_memory_is_constant(
    session: Session, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, *, form: bool
) -> None:
    path = tmp_path / "large"
    with path.open("wb") as stream:
        stream.truncate(60_000_000)

    def forget(headers: dict[str, str], stream: io.BufferedReader) -> bytes:
        left = int(headers["content-length"])
        while left:
            left -= len(stream.read(min(left, 100_000)))
        return b""

    # The server forgets the bodies, so that what is measured is the client.
    monkeypatch.setattr("support.scripted_server.read_body", forget)
    with ScriptedServer([Reply(200, headers={"ETag": '"t"'})]) as server:
        tracemalloc.start()
        if form:
            upload_form(session, path, f"{server.url}/f/", "file", {})
        else:
            upload_parts(session, path, part_urls(server, 4), 15_000_000)
        _, peak = tracemalloc.get_traced_memory()
        tracemalloc.stop()
        lengths = [int(request.headers["content-length"]) for request in server.requests]
    assert sum(lengths) >= 60_000_000
    assert peak < 20_000_000


# -- forms ---------------------------------------------------------------------------------------


def parse_form(request: Request) -> dict[str, tuple[str | None, bytes]]:
    head = f"Content-Type: {request.headers['content-type']}\r\n\r\n".encode()
    message = email.message_from_bytes(head + request.body, policy=email.policy.HTTP)
    found = {}
    for part in message.iter_parts():
        payload = part.get_payload(decode=True)
        assert isinstance(payload, bytes)
        found[part["content-disposition"].params["name"]] = (part.get_filename(), payload)
    return found


def test_a_form_carries_its_fields_first(session: Session, file: Path) -> None:
    with ScriptedServer([Reply(204)]) as server:
        upload_form(session, file, f"{server.url}/form/{SECRET}", "file", {"key": "k", "p": "ü"})
        (request,) = server.requests
    assert request.method == "POST"
    assert "authorization" not in request.headers
    assert int(request.headers["content-length"]) == len(request.body)
    form = parse_form(request)
    assert list(form) == ["key", "p", "file"]
    assert form["key"] == (None, b"k")
    assert form["p"] == (None, "ü".encode())
    assert form["file"][0] == "model"
    assert request.body.count(CONTENT) == 1


def test_a_form_is_sent_again_from_its_beginning(session: Session, file: Path) -> None:
    with ScriptedServer([Drop(), Reply(503), Refuse(), Reply(204)]) as server:
        upload_form(session, file, f"{server.url}/form/", "file", {"key": "k"})
        assert len(server.requests) == 4
        assert server.requests[-1].body == server.requests[0].body
        assert server.requests[-1].body.count(CONTENT) == 1


def test_each_form_has_a_boundary_of_its_own(session: Session, tmp_path: Path) -> None:
    path = tmp_path / "d.h5"
    path.write_bytes(b"--+++\r\n--+++--\r\n")
    with ScriptedServer([Reply(204)]) as server:
        for _ in range(2):
            upload_form(session, path, server.url, "file", {})
        kinds = [request.headers["content-type"] for request in server.requests]
        assert parse_form(server.requests[0])["file"][1].startswith(b"--+++")
    assert kinds[0] != kinds[1]


def test_a_refused_form(session: Session, file: Path) -> None:
    with ScriptedServer([Reply(413)]) as server:
        with pytest.raises(UserError, match="413"):
            upload_form(session, file, server.url, "file", {})
        assert len(server.requests) == 1
