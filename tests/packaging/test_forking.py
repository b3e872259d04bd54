"""A process that is forked at any moment can use the client.

Each test has a process of its own, which has imported nothing yet.
"""

import os
import platform
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from support.routed_hub import DEVICES, RoutedHub
from support.scripted_server import json_reply

from qai_hub.forking import is_importing

pytestmark = pytest.mark.skipif(not hasattr(os, "fork"), reason="there is no fork")

SUMMARIES = {"job_summaries": [], "total_query_count": 0}
MODEL = {
    "model_id": "m1",
    "name": "net",
    "creation_time": "2026-01-02T03:04:05Z",
    "model_type": "MODEL_TYPE_ONNX",
    "file_upload_complete": True,
}
JOB: dict[str, Any] = {
    "compile_job": {
        "compile_job_id": "j1",
        "job_state": "JOB_STATE_DONE",
        "user_id": 1,
        "name": "net",
        "options": "",
        "creation_time": "2026-01-02T03:04:05Z",
        "failure_reason": "",
    },
    "notices": [],
    "available_artifacts": [],
    "failure_type": "JOB_FAILURE_TYPE_UNSPECIFIED",
}

CLIENT = "qai_hub.Client(config())"
# What the thread does, and its child too; and which import of it the fork falls into.
CALLS = [
    (f"{CLIENT}.get_job_summaries(limit=1)", 1),
    (f"{CLIENT}.get_job_summaries(limit=1)", 40),
    ("qai_hub.get_devices()", 1),
    ("from qai_hub.client import Client; Client(config()).get_job_summaries()", 1),
    (f"{CLIENT}.get_model('m1').download(os.path.join(FOLDER, name()))", 3),
    (f"qai_hub.wait_all([{CLIENT}.get_job('j1')])", 8),
    ("refused(get_job_by_protobuf)", 20),
    ("refused(upload_dataset)", 1),
    ("refused(upload_dataset)", 60),
]

PROGRAM = '''
import os, signal, sys, threading, time
URL, FOLDER, NTH, CALL = sys.argv[1:]
os.environ.update(QAI_HUB_API_TOKEN="token", QAI_HUB_API_URL=URL, NO_PROXY="127.0.0.1")
import qai_hub

def config(**more):
    return qai_hub.ClientConfig("token", URL, URL, verbose=False, **more)

def name():
    return f"net-{os.getpid()}"

def get_job_by_protobuf():
    qai_hub.Client(config(wire="protobuf")).get_job("absent")

def upload_dataset():
    import numpy
    qai_hub.Client(config()).upload_dataset({"x": [numpy.zeros(2, "float32")]})

def refused(function):
    try:
        function()
    except qai_hub.UserError:
        pass

def call():
    exec(CALL)

inside, count = threading.Event(), 0

class Hook:
    """Holds the thread's NTH import open."""

    @staticmethod
    def find_spec(name, path=None, target=None):
        global count
        if threading.current_thread() is thread and not inside.is_set():
            count += 1
            if count == int(NTH):
                inside.set()
                time.sleep(0.3)

thread = threading.Thread(target=call, daemon=True)
sys.meta_path.insert(0, Hook())
thread.start()
while thread.is_alive() and not inside.wait(0.01):
    pass
pid = os.fork()
if not pid:
    signal.alarm(20)
    call()
    os._exit(0)
status = os.waitpid(pid, 0)[1]
thread.join(20)
print("child", status, "thread", thread.is_alive(), flush=True)
os._exit(0)
'''


@pytest.fixture(scope="module")
def hub() -> Iterator[RoutedHub]:
    with RoutedHub({}) as server:
        server.routes.update(
            {
                "GET /api/v1/jobs/summaries/": json_reply(SUMMARIES),
                "GET /api/v1/job_summaries/": json_reply(SUMMARIES),
                "GET /api/v1/devices/": json_reply(DEVICES),
                "GET /api/v1/models/m1/": json_reply(MODEL),
                "GET /api/v1/models/m1/download/": json_reply(
                    {"url": {"url": f"{server.url}/file", "filename": "net.bin"}}
                ),
                "GET /file": json_reply(
                    b"content", headers={"Content-Type": "binary/octet-stream"}
                ),
                "GET /api/v1/jobs/j1/": json_reply(JOB),
            }
        )
        yield server


def run(program: str, *arguments: str) -> str:
    done = subprocess.run(
        # From Python 3.12 on, forking beside a thread, which is what is tried here, is warned of.
        [sys.executable, "-W", "ignore:This process:DeprecationWarning", "-c", program, *arguments],
        capture_output=True,
        text=True,
        timeout=100,
        check=False,
    )
    assert done.stderr == ""
    return done.stdout.strip()


@pytest.mark.parametrize(("call", "nth"), CALLS)
def test_while_another_thread_imports(hub: RoutedHub, tmp_path: Path, call: str, nth: int) -> None:
    assert run(PROGRAM, hub.url, str(tmp_path), str(nth), call) == "child 0 thread False"


LATE = '''
import os, signal, sys, threading, time
URL = sys.argv[1]
os.environ["NO_PROXY"] = "127.0.0.1"
late = threading.Event()

def call():
    qai_hub.Client(qai_hub.ClientConfig("token", URL, URL)).get_job_summaries(limit=1)

class Hook:
    @staticmethod
    def find_spec(name, path=None, target=None):
        if threading.current_thread() is thread and not late.is_set() and "list_job" in name:
            late.set()
            time.sleep(1)

def begin():
    """Runs after the package's own look, since it is registered before."""
    thread.start()
    late.wait(20)

os.register_at_fork(before=begin)
import qai_hub
import qai_hub.client
thread = threading.Thread(target=call, daemon=True)
sys.meta_path.insert(0, Hook())
pid = os.fork()
if not pid:
    signal.alarm(20)
    call()
    os._exit(0)
print("child", os.waitpid(pid, 0)[1], late.is_set(), flush=True)
os._exit(0)
'''


def test_what_begins_after_the_last_look_the_child_begins_anew(hub: RoutedHub) -> None:
    assert run(LATE, hub.url) == "child 0 True"


ENDING = """
import ctypes, os, ssl, sys, threading
import qai_hub.client

libc = ctypes.CDLL(None)
key = ctypes.c_uint()
# What the system calls when a thread ends, which takes a while: Python has let go of it before.
libc.pthread_key_create(ctypes.byref(key), libc.strfry)
text = ctypes.create_string_buffer(b"x" * 8_000_000)
ended = []

def call():
    libc.pthread_setspecific(key, ctypes.byref(text))
    ended.append(str(threading.get_native_id()))

thread = threading.Thread(target=call)
thread.start()
thread.join()
pid = os.fork()
if not pid:
    os._exit(0)
gone = ended[0] not in os.listdir("/proc/self/task")
print(gone, os.waitpid(pid, 0)[1], flush=True)
"""


@pytest.mark.skipif(platform.libc_ver()[0] != "glibc", reason="strfry is a function of glibc's")
def test_threads_that_end_are_waited_for() -> None:
    """OpenSSL takes a lock as they end, which a child would find held for ever."""
    assert run(ENDING) == "True 0"


FOREIGN = """
import os, sys, threading, time
import qai_hub.forking
sys.path.insert(0, sys.argv[1])
threading.entered = threading.Event()

def call():
    import of_the_user

threading.Thread(target=call, daemon=True).start()
threading.entered.wait(20)
start = time.monotonic()
pid = os.fork()
if not pid:
    os._exit(0)
print(os.waitpid(pid, 0)[1], time.monotonic() - start < 20, flush=True)
os._exit(0)
"""


def test_imports_of_others_are_not_waited_for(tmp_path: Path) -> None:
    """They may last as long as the program, or wait for the thread that forks."""
    program = "import threading, time\nthreading.entered.set()\ntime.sleep(60)\n"
    (tmp_path / "of_the_user.py").write_text(program)
    assert run(FOREIGN, str(tmp_path)) == "0 True"


SIDE_BY_SIDE = """
import os, threading
import qai_hub.client

codes = []

def fork():
    for _ in range(5):
        pid = os.fork()
        if not pid:
            os._exit(0)
        codes.append(os.waitpid(pid, 0)[1])

threads = [threading.Thread(target=fork) for _ in range(4)]
for thread in threads:
    thread.start()
for thread in threads:
    thread.join(60)
with qai_hub.forking.delay_forks():
    print(codes == [0] * 20, flush=True)
"""


def test_forks_of_several_threads() -> None:
    assert run(SIDE_BY_SIDE) == "True"


POOL = """
import multiprocessing, os, sys, threading
URL = sys.argv[1]
os.environ["NO_PROXY"] = "127.0.0.1"
import qai_hub

def call(_=None):
    client = qai_hub.Client(qai_hub.ClientConfig("token", URL, URL))
    return len(client.get_job_summaries(limit=1))

if __name__ == "__main__":
    thread = threading.Thread(target=call)
    thread.start()
    with multiprocessing.get_context("fork").Pool(3) as pool:
        print(pool.map(call, range(6)), flush=True)
    thread.join()
"""


def test_a_pool_of_processes_that_is_made_during_the_first_call(hub: RoutedHub) -> None:
    assert run(POOL, hub.url) == "[0, 0, 0, 0, 0, 0]"


BARS = """
import io, os, signal, sys, threading
from qai_hub.progress.board import Board
from qai_hub.progress.transfers import show_transfer

class Terminal(io.StringIO):
    def isatty(self):
        return True

sys.stderr = Terminal()
taken, done = threading.Event(), threading.Event()

def hold():
    with board.lock:
        taken.set()
        done.wait(60)

with show_transfer("upload", "net", 10, show=True) as moved:
    board = Board.of(sys.stderr)
    threading.Thread(target=hold, daemon=True).start()
    taken.wait(20)
    pid = os.fork()
    if not pid:
        signal.alarm(20)
        with show_transfer("upload", "other", 10, show=True) as moved:
            moved(2_000_000)
        print("Uploaded other" in sys.stderr.getvalue(), flush=True)
        os._exit(0)
    print(os.waitpid(pid, 0)[1], flush=True)
    os._exit(0)
"""


def test_a_bar_in_a_child_whose_parent_draws_one() -> None:
    assert run(BARS) == "True\n0"


WAITING = """
import os, signal, sys
URL = sys.argv[1]
os.environ["NO_PROXY"] = "127.0.0.1"
import qai_hub

client = qai_hub.Client(qai_hub.ClientConfig("token", URL, URL))
ended = qai_hub.as_completed([client.get_job("j1"), client.get_job("j2")])
print(next(ended).job_id, flush=True)
pid = os.fork()
if not pid:
    signal.alarm(20)
    try:
        list(ended)
    except RuntimeError as error:
        print(error, flush=True)
    print(client.get_job("j1").wait().code, flush=True)
    os._exit(0)
print(os.waitpid(pid, 0)[1], flush=True)
os._exit(0)
"""


def test_a_child_does_not_wait_for_the_threads_of_its_parent(hub: RoutedHub) -> None:
    details = {**JOB["compile_job"], "compile_job_id": "j2", "job_state": "JOB_STATE_CREATED"}
    running = {**JOB, "compile_job": details}
    hub.routes["GET /api/v1/jobs/j2/"] = json_reply(running)
    first, told, again, code = run(WAITING, hub.url).splitlines()
    assert (first, again, code) == ("j1", "SUCCESS", "0")
    assert "was forked while its parent waited" in told


FORK_OF_A_FORK = """
import os, ssl, time
import qai_hub

pauses = []
time.sleep = lambda seconds: pauses.append(seconds)
for _ in range(2):
    process = os.fork()
    if process:
        os._exit(os.waitstatus_to_exitcode(os.waitpid(process, 0)[1]))
print(sum(pauses))
"""


def test_a_child_that_forks_does_not_wait_for_its_own_thread() -> None:
    assert run(FORK_OF_A_FORK) == "0"


def test_a_thread_at_rest_imports_nothing() -> None:
    ready, done = threading.Event(), threading.Event()

    def rest() -> None:
        ready.set()
        done.wait(20)

    thread = threading.Thread(target=rest)
    thread.start()
    ready.wait(20)
    assert thread.ident is not None
    assert not is_importing(sys._current_frames()[thread.ident])
    done.set()
    thread.join()
