"""Slow, silent and very many connections: each is bounded, and none of them keeps others out."""

import socket
import sqlite3
import threading
import time
from collections.abc import Iterator
from contextlib import ExitStack, closing, contextmanager
from dataclasses import replace
from pathlib import Path
from urllib.parse import urlsplit

import httpx
import pytest
from support.fake_worker import FakeWorker
from support.hub_http import Api, problem
from support.polling import wait_until

from qai_hub import __version__
from qai_hub.local import LocalHub
from qai_hub.local.limits import ServerLimits

pytestmark = pytest.mark.shared_folder
LIMITS = ServerLimits(connections=100, refusals=10, waits=50, threads=8)


@contextmanager
def limited(**limits: float) -> Iterator[LocalHub]:
    worker = FakeWorker()
    worker.may_finish.clear()
    changed = replace(LIMITS, **limits)  # type: ignore[arg-type]
    with LocalHub(limits=changed, run_attempt=worker, validate_responses=True) as hub:
        yield hub
        worker.may_finish.set()


def connect(hub: LocalHub) -> socket.socket:
    address = urlsplit(hub.url)
    connection = socket.create_connection((address.hostname or "", address.port or 0), timeout=20)
    connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    return connection


def head(hub: LocalHub, line: str, *headers: str) -> bytes:
    return "\r\n".join([line, f"Host: {urlsplit(hub.url).netloc}", *headers, "", ""]).encode()


def get(hub: LocalHub, path: str = "/healthz", *headers: str) -> bytes:
    return head(hub, f"GET {path} HTTP/1.1", *headers)


def answer(connection: socket.socket) -> tuple[int, str]:
    """Return the status and the rest of an answer; 0 if the connection ends without one."""
    text = b""
    try:
        while chunk := connection.recv(1 << 16):
            text += chunk
            if text.endswith(b"}"):
                break
    except ConnectionResetError:
        pass
    return (int(text[9:12]) if text else 0), text.decode()


def is_closed(connection: socket.socket) -> bool:
    try:
        return connection.recv(1) == b""
    except ConnectionResetError:
        return True


# -- time ----------------------------------------------------------------------------------------


def test_whoever_says_nothing_is_let_go() -> None:
    with limited(head_seconds=0.2) as hub, connect(hub) as silent:
        assert answer(silent) == (0, "")


def test_a_head_that_does_not_end_is_408_however_it_drips() -> None:
    with limited(head_seconds=0.3) as hub, connect(hub) as slow:
        stop = threading.Event()

        def drip() -> None:
            slow.sendall(b"GET / HTTP/1.1\r\n")
            while not stop.wait(0.02):
                try:
                    slow.sendall(b"X: y\r\n")
                except OSError:
                    return

        thread = threading.Thread(target=drip)
        thread.start()
        status, text = answer(slow)
        stop.set()
        thread.join()
    assert status == 408
    assert "application/problem+json" in text
    assert "within 0.3 seconds" in text


def test_the_head_of_a_second_request_is_bounded_too() -> None:
    with limited(head_seconds=0.2) as hub, connect(hub) as slow:
        slow.sendall(get(hub))
        assert answer(slow)[0] == 200
        slow.sendall(b"GET /")
        assert answer(slow)[0] == 408


def test_a_connection_without_requests_is_closed() -> None:
    with limited(idle_seconds=0.2) as hub, connect(hub) as idle:
        idle.sendall(get(hub))
        assert answer(idle)[0] == 200
        assert is_closed(idle)


def test_a_part_that_stands_still_is_408_and_can_be_sent_again() -> None:
    with limited(stall_seconds=0.2) as hub, connect(hub) as slow:
        api = Api(hub)
        key = api.create_model()
        upload = api.get(f"models/{key}/multipart_upload/", file_size=5)["multipart_url"]
        url = upload["urls"][0]
        slow.sendall(head(hub, f"PUT {url.removeprefix(hub.url)} HTTP/1.1", "Content-Length: 5"))
        slow.sendall(b"mo")
        status, text = answer(slow)
        assert (status, "within 0.2 seconds" in text) == (408, True)
        tag = httpx.put(url, content=b"model").headers["ETag"]
        body = {"upload_id": upload["upload_id"], "etags": [tag]}
        api.post(f"models/{key}/multipart_upload/", body)
        api.close()


def test_a_body_that_stands_still_is_408() -> None:
    with limited(stall_seconds=0.2) as hub, connect(hub) as slow:
        headers = ("Content-Length: 50", "Content-Type: application/json")
        slow.sendall(head(hub, "POST /api/v1/users/auth/login/ HTTP/1.1", *headers) + b"{")
        assert answer(slow)[0] == 408


@pytest.mark.small_hub("a process knows of the parts that arrive by itself")
def test_a_part_can_be_sent_again_while_its_first_try_is_silent() -> None:
    with limited() as hub, ExitStack() as stack:
        api = Api(hub)
        key = api.create_model()
        upload = api.get(f"models/{key}/multipart_upload/", file_size=5)["multipart_url"]
        url = upload["urls"][0]
        silent = [stack.enter_context(connect(hub)) for _ in range(3)]
        for each in silent:
            line = f"PUT {url.removeprefix(hub.url)} HTTP/1.1"
            each.sendall(head(hub, line, "Content-Length: 5") + b"XX")
        tag = httpx.put(url, content=b"model").headers["ETag"]
        for each in silent:
            # Those that came in time to be taken over are told so.
            assert answer(each)[0] == 409
        body = {"upload_id": upload["upload_id"], "etags": [tag]}
        api.post(f"models/{key}/multipart_upload/", body)
        found = api.get(f"models/{key}/download/")["url"]["url"]
        assert httpx.get(found).content == b"model"
        api.close()


@pytest.mark.small_hub("a process knows of the parts that arrive by itself")
def test_a_form_can_be_sent_again_while_its_first_try_is_silent() -> None:
    with limited() as hub, connect(hub) as silent:
        api = Api(hub)
        key = str(api.post("datasets/", {})["id"])
        form = api.get(f"datasets/{key}/upload_url/")["url"]
        line = f"POST {form['url'].removeprefix(hub.url)} HTTP/1.1"
        kind = "Content-Type: multipart/form-data; boundary=x"
        silent.sendall(head(hub, line, "Content-Length: 500", kind) + b"--x\r\n")
        files = {form["file_field_name"]: ("data", b"data")}
        assert httpx.post(form["url"], data=form["fields"], files=files).status_code == 201
        assert answer(silent)[0] == 409
        api.patch(f"datasets/{key}/", {"file_upload_complete": True})
        api.close()


def test_a_client_that_does_not_read_its_answer_is_given_up() -> None:
    with limited(send_seconds=0.2) as hub:
        api = Api(hub)
        key = api.upload_model(bytes(16 << 20))
        url = api.get(f"models/{key}/download/")["url"]["url"]
        with connect(hub) as deaf:
            deaf.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
            deaf.sendall(get(hub, url.removeprefix(hub.url)))
            deaf.recv(1, socket.MSG_PEEK)
            wait_until(lambda: hub.connections == 1)  # that of `api`
        api.close()


def test_a_client_that_reads_slowly_gets_all_of_its_answer() -> None:
    content = bytes(16 << 20)
    with limited(send_seconds=0.2) as hub:
        api = Api(hub)
        key = api.upload_model(content)
        url = api.get(f"models/{key}/download/")["url"]["url"]
        with httpx.stream("GET", url) as slow:
            read = 0
            for chunk in slow.iter_raw(1 << 20):
                read += len(chunk)
                time.sleep(0.05)
        assert read == len(content)
        api.close()


# -- what is refused while it is being sent ------------------------------------------------------


def test_a_body_without_end_is_not_taken_for_ever() -> None:
    with limited(drained_bytes=1 << 20) as hub, connect(hub) as endless:
        headers = ("Transfer-Encoding: chunked", "Content-Type: application/json")
        endless.sendall(head(hub, "POST /api/v1/users/auth/login/ HTTP/1.1", *headers))
        chunk = b"10000\r\n" + bytes(1 << 16) + b"\r\n"
        with pytest.raises(OSError):
            endless.sendall(chunk * 2048)


def test_a_refused_body_that_stands_still_is_not_waited_for_long() -> None:
    with limited(drained_seconds=0.2) as hub, connect(hub) as slow:
        headers = ("Content-Length: 100000", "Content-Type: application/json")
        slow.sendall(head(hub, "POST /api/v1/users/auth/login/ HTTP/1.1", *headers))
        status, text = answer(slow)
        assert status == 413
        assert "connection: close" in text.lower()
        wait_until(lambda: hub.connections == 0)


@pytest.mark.parametrize(
    "line",
    [
        "POST /sign-in/",
        "POST /sign-out/",
        "POST /jobs/",
        "POST /nowhere/",
        "PUT /jobs/",
        "GET /jobs/",
        "GET /static/hub.css",
        "GET /healthz",
        "GET /api/v1/users/auth/user/",
        "POST /api/v1/models/",
        "POST /api/v1/nowhere/",
    ],
)
def test_who_is_answered_while_still_sending_is_told_to_connect_anew(line: str) -> None:
    # Else a client takes the connection for its next request, and finds it closed.
    with limited() as hub, connect(hub) as sending:
        headers = ("Origin: https://evil.example", "Content-Length: 9", "Accept: text/html")
        sending.sendall(head(hub, f"{line} HTTP/1.1", *headers))
        _, text = answer(sending)
        assert "connection: close" in text.lower()


@pytest.mark.parametrize("name", ["X-Long", "Accept", "Prefer", "Cookie"])
@pytest.mark.parametrize("at_once", [True, False])
def test_long_heads_are_refused(name: str, at_once: bool) -> None:
    with limited() as hub, connect(hub) as long:
        sent = get(hub, "/healthz", f"{name}: {'a,' * 20_000}")
        if at_once:
            long.sendall(sent)
        else:
            long.sendall(sent[:-4])
        status, text = answer(long)
    assert status == 400
    assert "request line and headers" in text
    assert "application/problem+json" in text


def test_what_is_no_http_is_a_problem_too() -> None:
    with limited() as hub, connect(hub) as odd:
        odd.sendall(b"EHLO example.com\r\n\r\n")
        status, text = answer(odd)
    assert status == 400
    assert "application/problem+json" in text


# -- number --------------------------------------------------------------------------------------


def parked(hub: LocalHub, key: str, stack: ExitStack, number: int) -> list[socket.socket]:
    """Open connections whose requests wait for a job that does not end."""
    token = f"Authorization: token {hub.token()}"
    made = [stack.enter_context(connect(hub)) for _ in range(number)]
    for each in made:
        each.sendall(get(hub, f"/api/v1/jobs/{key}/", token, "Prefer: wait=30"))
    wait_until(lambda: hub.waiting == number)
    return made


@pytest.mark.small_hub("each process has its own limits")
def test_beyond_a_number_nobody_waits() -> None:
    with limited(waits=2) as hub, ExitStack() as stack:
        api = Api(hub)
        key, _ = api.compile(api.upload_model())
        parked(hub, key, stack, 2)
        reply = api.http.get(f"jobs/{key}/", headers={"Prefer": "wait=30"})
        assert reply.status_code == 200
        assert "Preference-Applied" not in reply.headers
        api.close()


def test_a_new_connection_takes_the_place_of_an_idle_one() -> None:
    with limited(connections=3) as hub, ExitStack() as stack:
        made = []
        for _ in range(6):
            made.append(stack.enter_context(connect(hub)))
            made[-1].sendall(get(hub))
            assert answer(made[-1])[0] == 200
        assert all(map(is_closed, made[:3]))
        for each in made[3:]:
            each.sendall(get(hub))
            assert answer(each)[0] == 200


def test_without_an_idle_one_it_is_answered_503_and_beyond_that_closed() -> None:
    with limited(connections=3, refusals=1) as hub, ExitStack() as stack:
        api = Api(hub)
        key, _ = api.compile(api.upload_model())
        waiting = parked(hub, key, stack, 3)
        refused, closed = (stack.enter_context(connect(hub)) for _ in range(2))
        assert is_closed(closed)
        refused.sendall(get(hub))
        status, text = answer(refused)
        assert status == 503
        assert "retry-after: " in text.lower()
        assert is_closed(refused)
        for each in waiting[:1]:
            each.close()
        wait_until(lambda: hub.waiting == 2)
        assert httpx.get(f"{hub.url}/healthz").status_code == 200
        api.close()


LOGIN, FILE = "POST /api/v1/users/auth/login/ HTTP/1.1", "PUT /api/v1/storage/files/f HTTP/1.1"
UNFINISHED = {
    "nothing": (),
    "no whole head": ("GET /",),
    "a body that stands still": (LOGIN, "Content-Type: application/json", "Content-Length: 5000"),
    "a body of unknown length": (
        LOGIN,
        "Content-Type: application/json",
        "Transfer-Encoding: chunked",
    ),
    "a body that was refused": (FILE, "Content-Length: 50000000"),
}


@pytest.mark.parametrize("begun", UNFINISHED.values(), ids=UNFINISHED.keys())
def test_requests_that_do_not_come_make_room_after_a_moment(begun: tuple[str, ...]) -> None:
    with limited(connections=2, refusals=2, drained_seconds=60) as hub, ExitStack() as stack:
        for _ in range(2):
            slow = stack.enter_context(connect(hub))
            slow.sendall(head(hub, *begun) if len(begun) > 1 else "".join(begun).encode())

        def served() -> bool:
            try:
                return httpx.get(f"{hub.url}/healthz").status_code == 200
            except httpx.TransportError:
                return False

        wait_until(served)


def test_files_that_come_slowly_make_no_room() -> None:
    with limited(connections=2, refusals=2) as hub:
        api, content = Api(hub), bytes(2 << 20)
        key = api.create_model()
        upload = api.get(f"models/{key}/multipart_upload/", file_size=len(content))
        (url,) = upload["multipart_url"]["urls"]

        def slowly() -> Iterator[bytes]:
            yield content[:-1]
            # While it waits, each of these but the first takes the place of the one before.
            wait_until(lambda: httpx.get(f"{hub.url}/healthz").status_code == 200)
            time.sleep(2.2)
            wait_until(lambda: httpx.get(f"{hub.url}/healthz").status_code == 200)
            yield content[-1:]

        sent = httpx.put(url, content=slowly(), headers={"Content-Length": str(len(content))})
        assert sent.status_code == 200
        api.close()


def test_health_is_told_without_a_token() -> None:
    with limited() as hub:
        found = httpx.get(f"{hub.url}/healthz")
        assert found.status_code == 200
        assert found.json() == {"status": "ok", "version": f"local {__version__}"}
        assert found.headers["Cache-Control"] == "no-store"
        problem(httpx.post(f"{hub.url}/healthz"), 405)


@pytest.mark.small_hub("it changes the database in the folder")
def test_a_database_that_cannot_be_read_is_no_health(tmp_path: Path) -> None:
    with LocalHub(tmp_path / "hub", users=["ada@example.com"], validate_responses=True) as hub:
        with closing(sqlite3.connect(tmp_path / "hub" / "hub.db")) as db:
            db.execute("ALTER TABLE settings RENAME TO other")
        problem(httpx.get(f"{hub.url}/healthz"), 503)
        with closing(sqlite3.connect(tmp_path / "hub" / "hub.db")) as db:
            db.execute("ALTER TABLE other RENAME TO settings")
        assert httpx.get(f"{hub.url}/healthz").status_code == 200
