"""The sandbox of workers, and a probe for the layers of it that this system supports."""

import ctypes
import json
import os
import platform
import struct
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterable
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from qai_hub.local.engine import landlock
from qai_hub.local.engine.environment import worker_environment
from qai_hub.local.engine.landlock import libc, runtime_paths

NO_PRIVILEGES = "no new privileges"
NO_NETWORK = "no network"
NO_SOCKETS = "no sockets"
OWN_FILES = "only their own files"
LAYERS = (NO_PRIVILEGES, NO_NETWORK, NO_SOCKETS, OWN_FILES)

_PR_SET_NAME, _PR_SET_SECCOMP, _PR_CAPBSET_DROP = 15, 22, 24
_PR_SET_SECUREBITS, _PR_SET_NO_NEW_PRIVS = 28, 38
_CLONE_NEWUSER, _CLONE_NEWNET = 0x10000000, 0x40000000
_CAPABILITY_VERSION_3 = 0x20080522
_LAST_CAPABILITY = 63
# Root within a namespace gets no capabilities from its user id alone, and cannot regain them.
_SECURE_NOROOT_LOCKED = 0b11

_ALLOW, _DENY, _KILL = 0x7FFF0000, 0x00050000 | 13, 0x80000000
_LOAD, _EQUAL, _AT_LEAST, _RETURN = 0x20, 0x15, 0x35, 0x06
# Offsets in what a filter sees of a call: its number, the architecture, and the first argument.
_NUMBER, _ARCHITECTURE, _FIRST_ARGUMENT = 0, 4, 16
_X32_SYSCALL_BIT = 0x40000000


@dataclass(frozen=True, slots=True)
class _Calls:
    """System calls of an architecture that a worker may not make.

    Attributes:
        architecture: Its number in filters.
        denied: Calls that reach other processes, that leave the process group which is killed at
            the end of an attempt, or that reach parts of the kernel that no runtime needs.
        own_only: Calls that may name no other process: their first argument must be 0.
    """

    architecture: int
    denied: tuple[int, ...]
    own_only: tuple[int, ...]


_CALLS = {
    "x86_64": _Calls(
        0xC000003E,
        (
            *(41, 425),  # socket, io_uring_setup
            *(101, 310, 311),  # ptrace, process_vm_readv, process_vm_writev
            *(321, 323, 298),  # bpf, userfaultfd, perf_event_open
            *(248, 249, 250),  # add_key, request_key, keyctl
            *(272, 308),  # unshare, setns
            *(112, 109),  # setsid, setpgid
            *(29, 64, 68, 240),  # shmget, semget, msgget, mq_open
            *(
                141,
                251,
                144,
                142,
                314,
            ),  # setpriority, ioprio_set, sched_setscheduler, …param, …attr
        ),
        (302,),  # prlimit64
    ),
    "aarch64": _Calls(
        0xC00000B7,
        (
            *(198, 425),
            *(117, 270, 271),
            *(280, 282, 241),
            *(217, 218, 219),
            *(97, 268),
            *(157, 154),
            *(194, 190, 186, 180),
            *(140, 30, 119, 118, 274),
        ),
        (261,),
    ),
}


def name_process(name: str) -> None:
    """Name this process in lists such as that of `ps -o comm`, where the system allows it.

    Args:
        name: The name, of at most 15 characters.
    """
    if sys.platform == "linux":
        with suppress(OSError):
            _prctl(_PR_SET_NAME, name.encode())


def prepare_sandbox(folder: Path) -> None:
    """Find out what processes that are forked from this one may read.

    Args:
        folder: The folder of one of them.
    """
    if sys.platform == "linux":
        runtime_paths(folder.parent.parent)


def enter_sandbox(folder: Path, inputs: Iterable[Path]) -> list[str]:
    """Confine this process, which must still be single-threaded, and its children.

    Args:
        folder: The only folder that it may write to.
        inputs: Further files that it may read, beside those that Python and the runtimes need.

    Returns:
        The layers in effect, from `LAYERS`.
    """
    if sys.platform != "linux":
        return []
    readable = [*runtime_paths(folder.parent.parent), *inputs]
    layers: dict[str, Callable[[], None]] = {
        NO_PRIVILEGES: _set_no_new_privileges,
        NO_NETWORK: _isolate_network,
        OWN_FILES: lambda: landlock.restrict_file_access(readable, folder),
        NO_SOCKETS: _filter_system_calls,
    }
    active = []
    for name, apply in layers.items():
        with suppress(OSError):
            apply()
            active.append(name)
    return [name for name in LAYERS if name in active]


def _set_no_new_privileges() -> None:
    _prctl(_PR_SET_NO_NEW_PRIVS, 1)


def _isolate_network() -> None:
    """Enter a new network namespace, from which nothing is reachable, not even this machine."""
    user, group = os.getuid(), os.getgid()
    if libc().unshare(_CLONE_NEWUSER | _CLONE_NEWNET):
        raise _last_os_error()
    # Without these the process would appear to belong to nobody; its rights are unchanged.
    for file, text in (
        ("setgroups", "deny"),
        ("uid_map", f"{user} {user} 1"),
        ("gid_map", f"{group} {group} 1"),
    ):
        with suppress(OSError):
            Path("/proc/self", file).write_text(text)
    # The creator of a namespace has all capabilities within it, which exposes much of the kernel.
    with suppress(OSError):
        _prctl(_PR_SET_SECUREBITS, _SECURE_NOROOT_LOCKED)
    for capability in range(_LAST_CAPABILITY + 1):
        with suppress(OSError):
            _prctl(_PR_CAPBSET_DROP, capability)
    header = struct.pack("Ii", _CAPABILITY_VERSION_3, 0)
    if libc().capset(header, bytes(24)):
        raise _last_os_error()


def _filter_system_calls() -> None:
    """Have the kernel refuse system calls, sockets above all: some are reachable through a file."""
    calls = _CALLS.get(platform.machine())
    if calls is None:
        raise OSError
    program = [
        (_LOAD, 0, 0, _ARCHITECTURE),
        (_EQUAL, 1, 0, calls.architecture),
        (_RETURN, 0, 0, _KILL),
        (_LOAD, 0, 0, _NUMBER),
        (_AT_LEAST, 0, 1, _X32_SYSCALL_BIT),
        (_RETURN, 0, 0, _DENY),
    ]
    for call in calls.denied:
        program += [(_EQUAL, 0, 1, call), (_RETURN, 0, 0, _DENY)]
    for call in calls.own_only:
        # Its lower half is the number of a process.
        program += [(_EQUAL, 0, 4, call), (_LOAD, 0, 0, _FIRST_ARGUMENT)]
        program += [(_EQUAL, 1, 0, 0), (_RETURN, 0, 0, _DENY), (_RETURN, 0, 0, _ALLOW)]
    program += [(_RETURN, 0, 0, _ALLOW)]
    instructions = b"".join(struct.pack("HBBI", *each) for each in program)
    buffer = ctypes.create_string_buffer(instructions, len(instructions))
    program_header = struct.pack("HP", len(program), ctypes.addressof(buffer))
    _prctl(_PR_SET_SECCOMP, 2, program_header)


def _prctl(option: int, *values: int | bytes) -> None:
    arguments: list[int | bytes | ctypes.c_ulong] = [
        ctypes.c_ulong(value) if isinstance(value, int) else value for value in values
    ]
    arguments += [ctypes.c_ulong(0)] * (4 - len(arguments))
    if libc().prctl(option, *arguments):
        raise _last_os_error()


def _last_os_error() -> OSError:
    number = ctypes.get_errno()
    return OSError(number, os.strerror(number))


if __name__ == "__main__":
    sys.stdout.write(json.dumps(enter_sandbox(Path(sys.argv[1]), [])))


_PROBE_TIMEOUT = 20


def describe_sandbox() -> str:
    """Return one line on what the sandbox keeps jobs from on this system.

    Returns:
        The line.
    """
    active = probe_sandbox_layers()
    if not active:
        return "Jobs run without a sandbox: this system allows none to unprivileged users."
    missing = [layer for layer in LAYERS if layer not in active]
    note = f"; not available on this system: {', '.join(missing)}" if missing else ""
    return f"Jobs run in a sandbox: {', '.join(active)}{note}."


def probe_sandbox_layers() -> list[str]:
    """Return the layers of the sandbox that are in effect on this system.

    Returns:
        Some of `LAYERS`, in that order.
    """
    with tempfile.TemporaryDirectory(prefix="qai-hub-") as parent:
        folder = Path(parent, "work", "probe")
        folder.mkdir(parents=True)
        command = [sys.executable, "-P", "-m", "qai_hub.local.engine.sandbox", str(folder)]
        try:
            probe = subprocess.run(  # noqa: S603 - the hub's own command
                command,
                env=worker_environment(folder),
                stdin=subprocess.DEVNULL,
                capture_output=True,
                timeout=_PROBE_TIMEOUT,
                check=True,
            )
        except subprocess.SubprocessError:
            return []
    active: list[str] = json.loads(probe.stdout)
    return active
