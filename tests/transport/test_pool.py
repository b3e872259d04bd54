"""One session for each configuration in a process, whatever threads and forks do."""

import os
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

import httpx
import pytest
from support.scripted_server import Reply, Request, ScriptedServer, Step

from qai_hub.transport.pool import SessionPool
from qai_hub.transport.session import Session

TRUST = httpx.create_ssl_context()


class Maker:
    """Makes sessions and keeps them for the test to look at."""

    def __init__(self, url: str = "") -> None:
        self.url = url
        self.made: list[Session] = []

    def __call__(self) -> Session:
        self.made.append(Session(self.url, verify=TRUST))
        return self.made[-1]


def test_twenty_threads_share_one_session_and_its_connections() -> None:
    together = threading.Barrier(20)
    make = Maker()
    pool = SessionPool()
    served = threading.local()

    def get(url: str) -> tuple[int, bool]:
        together.wait(10)
        for _ in range(5):
            with pool.lease("key", make) as session:
                served.status = session.get(url).status_code
        return served.status, session is make.made[0]

    with ScriptedServer([Reply(200, b"x")]) as server, ThreadPoolExecutor(20) as threads:
        results = list(threads.map(get, [server.url] * 20))
        pool.close("key")
        assert len(server.requests) == 100
        assert server.connections <= 20
    assert results == [(200, True)] * 20
    assert len(make.made) == 1


def test_requests_one_after_the_other_share_one_connection() -> None:
    with ScriptedServer([Reply(200)]) as server:
        pool, make = SessionPool(), Maker(server.url)
        for _ in range(10):
            with pool.lease("key", make) as session:
                session.get("/")
        assert server.connections == 1
        pool.close("key")


def test_keys_tell_sessions_apart() -> None:
    pool, make = SessionPool(), Maker()
    with pool.lease(("a", "token"), make) as one, pool.lease(("a", "other"), make) as other:
        assert one is not other
    assert [session.is_closed for session in make.made] == [False, False]
    for key in (("a", "token"), ("a", "other"), "absent"):
        pool.close(key)
    assert [session.is_closed for session in make.made] == [True, True]


def test_a_closed_session_is_made_anew() -> None:
    pool, make = SessionPool(), Maker()
    with pool.lease("key", make):
        pass
    pool.close("key")
    with pool.lease("key", make) as session:
        assert not session.is_closed
    pool.close("key")
    assert len(make.made) == 2


@pytest.mark.parametrize("by", ["close", "crowd"])
def test_a_session_in_use_is_closed_after_its_last_use(by: str) -> None:
    pool, make = SessionPool(size=2), Maker()
    with pool.lease("key", make) as session:
        with pool.lease("key", make):
            if by == "close":
                pool.close("key")
            else:
                for key in "ab":
                    with pool.lease(key, make):
                        pass
            assert not session.is_closed
        assert not session.is_closed
    for key in ("a", "b"):
        pool.close(key)
    assert all(session.is_closed for session in make.made)


def test_the_sessions_used_last_are_kept() -> None:
    pool, make = SessionPool(size=3), Maker()
    for key in "abcad":
        with pool.lease(key, make):
            pass
    closed = [session.is_closed for session in make.made]
    assert closed == [False, True, False, False]
    for key in "abcd":
        pool.close(key)


def test_a_session_that_cannot_be_made_leaves_the_pool_usable() -> None:
    def fail() -> Session:
        raise ValueError("no")

    pool = SessionPool()
    with pytest.raises(ValueError, match="no"), pool.lease("key", fail):
        pass
    with pool.lease("key", Maker()) as session:
        assert not session.is_closed
    pool.close("key")


def in_child(check: Callable[[], bool]) -> bool:
    """Forks, and tells what the check came to in the child."""
    pid = os.fork()
    if pid == 0:
        fine = False
        try:
            fine = check()
        finally:
            os._exit(0 if fine else 1)
    _, status = os.waitpid(pid, 0)
    return os.waitstatus_to_exitcode(status) == 0


@pytest.mark.filterwarnings("ignore:This process .* is multi-threaded:DeprecationWarning")
def test_a_forked_process_makes_its_own_connections() -> None:
    with ScriptedServer(lambda request: Reply(200, request.path.encode())) as server:
        pool, make = SessionPool(), Maker(server.url)
        with pool.lease("key", make) as session:
            session.get("/parent")

        def child() -> bool:
            with pool.lease("key", make) as own:
                answered = own.get("/child").text == "/child"
            return own is not session and not session.is_closed and answered

        assert in_child(child)
        with pool.lease("key", make) as again:
            assert again is session
            assert again.get("/parent").text == "/parent"
        assert server.connections == 2
        pool.close("key")


@pytest.mark.filterwarnings("ignore:This process .* is multi-threaded:DeprecationWarning")
def test_a_fork_while_another_thread_holds_the_lock() -> None:
    """The child does not wait for a thread that it does not have."""
    pool = SessionPool()
    making, go = threading.Event(), threading.Event()

    def slowly() -> Session:
        making.set()
        go.wait(10)
        return Session(verify=TRUST)

    def use() -> None:
        with pool.lease("slow", slowly):
            pass

    thread = threading.Thread(target=use)
    thread.start()
    making.wait(10)

    def child() -> bool:
        with pool.lease("key", Maker()) as session:
            return not session.is_closed

    try:
        assert in_child(child)
    finally:
        go.set()
        thread.join(10)
        pool.close("slow")


def test_a_server_sees_many_threads_at_once() -> None:
    """One session does not make its threads wait for each other."""
    together = threading.Barrier(5)

    def serve(request: Request) -> Step:
        together.wait(10)
        return Reply(200)

    pool, make = SessionPool(), Maker()

    def get(url: str) -> int:
        with pool.lease("key", make) as session:
            return session.get(url).status_code

    with ScriptedServer(serve) as server, ThreadPoolExecutor(5) as threads:
        assert list(threads.map(get, [server.url] * 5)) == [200] * 5
        pool.close("key")
