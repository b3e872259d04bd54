"""What a worker cannot do any more once it begins to look at a job."""

import json
import os
import platform
import socket
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from support.execution_models import attempt, compile_request, linear_model, saved

from qai_hub.local.engine import sandbox as confinement
from qai_hub.local.engine.landlock import runtime_paths
from qai_hub.local.engine.sandbox import (
    LAYERS,
    NO_NETWORK,
    NO_PRIVILEGES,
    NO_SOCKETS,
    OWN_FILES,
    describe_sandbox,
    probe_sandbox_layers,
)

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="the sandbox is Linux's")

# As the worker does it, with what a job's native code might try in place of a job.
SCRIPT = """
import json, sys
from pathlib import Path
from qai_hub.local.engine.sandbox import enter_sandbox
folder, other, tries = Path(sys.argv[1]), Path(sys.argv[2]), json.loads(sys.argv[3])
layers = enter_sandbox(folder, [folder.parent.parent / "files" / "own"])
import errno, os, signal, socket, subprocess
for code in tries:
    try:
        told = repr(eval(code))
    except OSError as error:
        told = errno.errorcode[error.errno]
    print(json.dumps(told))
print(json.dumps(layers))
"""


class World:
    """A hub's data with an attempt in it, and what lies around it."""

    def __init__(self, place: Path) -> None:
        self.folder = place / "data" / "work" / "j1-1"
        self.folder.mkdir(parents=True)
        self.files = place / "data" / "files"
        self.files.mkdir()
        (self.files / "own").write_text("mine")
        (self.files / "theirs").write_text("theirs")
        (place / "data" / "hub.db").write_text("secrets")
        (place / "home").mkdir()
        (place / "home" / "id_rsa").write_text("key")
        self.place = place

    def run_each(self, *codes: str) -> tuple[list[str], list[str]]:
        """Return what became of each expression, and the layers that held."""
        done = subprocess.run(
            [sys.executable, "-c", SCRIPT, str(self.folder), str(self.place), json.dumps(codes)],
            capture_output=True,
            text=True,
            cwd=self.folder,
            timeout=60,
            check=False,
        )
        assert done.returncode == 0, done.stderr
        *told, layers = map(json.loads, done.stdout.splitlines())
        return told, layers


@pytest.fixture
def world(tmp_path: Path) -> World:
    return World(tmp_path)


def require_layer(layers: list[str], layer: str) -> None:
    if layer not in layers:
        pytest.skip(f"this system has no way to {layer!r}")


def test_it_reads_its_inputs_and_writes_its_folder(world: World) -> None:
    told, _ = world.run_each(
        "(folder.parent.parent / 'files/own').read_text()",
        "(folder / 'a').write_text('x')",
        "(folder / 'b').mkdir()",
        "(folder / 'a').rename(folder / 'b/c') and 1",
        "(folder / 'b/c').read_text()",
        "(folder / 'b/c').unlink()",
        "open('/dev/null', 'w').write('x')",
        "len(os.urandom(4))",
        "'VmRSS' in open('/proc/self/status').read()",
        "open('/proc/self/clear_refs', 'w').write('5')",
        "__import__('qai_hub.local.engine.compile').__name__",
        "socket.socketpair() and 1",
        "os.getuid()",
    )
    expected = ["mine", 1, None, 1, "x", None, 1, 4, True, 1, "qai_hub", 1, os.getuid()]
    assert told == [repr(each) for each in expected]


def test_other_files_are_out_of_its_reach(world: World) -> None:
    codes = [
        "open(folder.parent.parent / 'hub.db').read()",
        "open(folder.parent.parent / 'hub.db', 'r+').read()",
        "open(folder.parent.parent / 'files/theirs').read()",
        "open(other / 'home/id_rsa').read()",
        "os.listdir(folder.parent.parent)",
        "os.listdir(os.path.expanduser('~'))",
        "os.listdir('/')",
        "os.listdir('/tmp')",
        "open('/etc/shadow').read()",
        "open('/proc/1/cmdline').read()",
        f"open('/proc/{os.getpid()}/environ').read()",
        "open('/proc/self/root' + str(other) + '/home/id_rsa').read()",
        "open(other / 'new', 'w')",
        "open(folder.parent.parent / 'files/own', 'a')",
        "os.truncate(folder.parent.parent / 'files/own', 0)",
        "os.mkdir('/tmp/new')",
        "os.unlink(folder.parent.parent / 'files/theirs')",
        "os.link(folder.parent.parent / 'files/own', folder / 'own')",
        "os.rename(folder.parent.parent / 'files/theirs', folder / 'theirs')",
        "os.open('/dev/shm/new', os.O_CREAT | os.O_WRONLY)",
    ]
    told, layers = world.run_each(*codes)
    require_layer(layers, OWN_FILES)
    got_in = {code for code, each in zip(codes, told, strict=True) if not is_refusal(each)}
    assert not got_in
    assert (world.files / "own").read_text() == "mine"


def is_refusal(told: str) -> bool:
    return told in {"EACCES", "EPERM", "EXDEV", "ENOENT", "EROFS"}


def test_it_starts_no_program(world: World) -> None:
    told, layers = world.run_each(
        "subprocess.run(['/usr/bin/env'])", "subprocess.run([sys.executable, '-c', ''])"
    )
    require_layer(layers, OWN_FILES)
    assert told == ["EACCES", "EACCES"]


def test_a_program_with_more_rights_would_give_it_none(world: World) -> None:
    told, layers = world.run_each(
        "[line for line in open('/proc/self/status') if line.startswith('NoNewPrivs')]"
    )
    require_layer(layers, NO_PRIVILEGES)
    assert told == [repr(["NoNewPrivs:\t1\n"])]


def test_it_has_no_powers_within_its_namespace(world: World) -> None:
    told, layers = world.run_each(
        "[int(line.split()[1], 16) for line in open('/proc/self/status')"
        " if line.startswith(('CapEff', 'CapPrm', 'CapBnd', 'CapInh'))]"
    )
    require_layer(layers, NO_NETWORK)
    assert told == ["[0, 0, 0, 0]"]


def test_there_is_nothing_on_its_network(world: World) -> None:
    told, layers = world.run_each(
        "open('/proc/self/net/tcp').read().count('\\n')",
        "[line.split(':')[0].strip() for line in open('/proc/self/net/dev')][2:]",
    )
    require_layer(layers, NO_NETWORK)
    assert told == ["1", "['lo']"]


@pytest.fixture
def listening(tmp_path: Path) -> Iterator[tuple[int, Path]]:
    """A port and a socket in the file system that somebody listens on."""
    path = tmp_path / "agent.sock"
    with socket.create_server(("127.0.0.1", 0)) as port, socket.socket(socket.AF_UNIX) as agent:
        agent.bind(str(path))
        agent.listen()
        yield port.getsockname()[1], path


def test_it_reaches_nobody(world: World, listening: tuple[int, Path]) -> None:
    port, path = listening
    told, layers = world.run_each(
        f"socket.create_connection(('127.0.0.1', {port}), 5)",
        f"socket.socket(socket.AF_UNIX).connect({str(path)!r})",
        "socket.socket(socket.AF_INET, socket.SOCK_DGRAM).sendto(b'x', ('127.0.0.1', 9))",
        "socket.socket(socket.AF_NETLINK, socket.SOCK_RAW)",
    )
    require_layer(layers, NO_SOCKETS)
    assert told == ["EACCES"] * 4


def test_it_ends_nobody(world: World) -> None:
    if not has_scopes():
        pytest.skip("this system's Landlock has no scopes")
    told, layers = world.run_each(f"os.kill({os.getpid()}, 0)", "os.kill(os.getpid(), 0)")
    require_layer(layers, OWN_FILES)
    assert told == ["EPERM", "None"]


def test_it_limits_nobody_but_itself(world: World) -> None:
    hub = os.getpid()
    told, layers = world.run_each(
        f"__import__('resource').prlimit({hub}, 0, (1, 1))",
        f"__import__('resource').prlimit({hub}, 7)",
        f"os.setpriority(os.PRIO_PROCESS, {hub}, 19)",
        f"os.sched_setscheduler({hub}, 0, os.sched_param(0))",
        "__import__('resource').prlimit(0, 4, (0, 0))",
        "__import__('resource').setrlimit(4, (0, 0))",
    )
    require_layer(layers, NO_SOCKETS)
    assert told[:4] == ["EACCES"] * 4
    assert told[5] == "None"
    assert told[4].startswith("(")


def test_it_cannot_leave_the_group_that_is_killed(world: World) -> None:
    told, layers = world.run_each(
        "os.setsid()",
        "os.setpgid(0, 0)",
        "__import__('ctypes').CDLL(None).shmget(0, 4096, 0o1600)",
    )
    require_layer(layers, NO_SOCKETS)
    assert told == ["EACCES", "EACCES", "-1"]


def has_scopes() -> bool:
    release = tuple(int(part) for part in platform.release().split("-")[0].split(".")[:2])
    return release >= (6, 12)


def test_the_worker_says_which_layers_hold(tmp_path: Path) -> None:
    outcome = attempt(compile_request(saved(linear_model(), tmp_path)), tmp_path / "a")
    assert outcome.succeeded
    assert "Sandbox: no new privileges" in outcome.log.read_text()


def test_a_hub_tells_which_layers_hold(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    _, layers = world.run_each()
    assert probe_sandbox_layers() == layers
    for held, told in (
        (list(LAYERS), f"in a sandbox: {', '.join(LAYERS)}."),
        ([NO_PRIVILEGES], "no new privileges; not available on this system: no network, no"),
        ([], "without a sandbox"),
    ):
        monkeypatch.setattr(confinement, "probe_sandbox_layers", lambda held=held: held)
        assert told in describe_sandbox()


def test_what_may_be_read_holds_nothing_private(tmp_path: Path) -> None:
    private = tmp_path / "data"
    private.mkdir()
    (tmp_path / "module.py").touch()
    (tmp_path / "notes.txt").touch()
    before = list(sys.path)
    sys.path.insert(0, str(tmp_path))
    try:
        found = runtime_paths(private)
    finally:
        sys.path[:] = before
    assert tmp_path / "module.py" in found
    assert tmp_path / "notes.txt" not in found
    assert not [path for path in found if private.is_relative_to(path.resolve())]
    assert not [path for path in found if Path.home().is_relative_to(path.resolve())]


def test_data_beside_the_libraries_stays_private(tmp_path: Path) -> None:
    site = tmp_path / "site-packages"
    for name in ("package", "hub/files", "hub/work/j1-1"):
        (site / name).mkdir(parents=True)
    before = list(sys.path)
    sys.path.insert(0, str(site))
    try:
        found = runtime_paths(site / "hub")
    finally:
        sys.path[:] = before
    assert site / "package" in found
    assert not [path for path in found if path.is_relative_to(site / "hub") or path == site]
