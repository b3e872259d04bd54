"""Forks that wait until a child can do what its parent does.

Much is imported by the first calls that need it, here and in the libraries below. Whoever imports a
module holds a lock, and a process that is forked meanwhile gets that lock held by a thread that it
does not have: its own import of the module would wait for ever. So a fork waits while other threads
import for this package. What they begin between this wait and the fork itself, for which Python has
no last word, the child begins anew. OpenSSL has such locks too, and takes one of them when a thread
that has used it ends, at a time when Python knows nothing of that thread any more.
"""

import _thread
import os
import sys
import time

# As in the package's `__init__`: this is loaded with it, and has to cost nothing.
TYPE_CHECKING = False

if TYPE_CHECKING:
    from collections.abc import Iterator
    from threading import Lock, RLock
    from types import FrameType

__all__ = ["hold_forks", "is_importing"]

_OURS = frozenset({"qai_hub", "qai_hub_api"})
# What the calls import, or others may import before them.
_NEEDED = (
    _OURS
    | sys.stdlib_module_names
    | {
        *(
            "anyio",
            "attr",
            "attrs",
            "botocore",
            "certifi",
            "google",
            "h11",
            "h5py",
            "httpcore",
            "httpx",
        ),
        *("idna", "numpy", "socksio", "tqdm"),
    }
)
_BREATH = 0.001
# An import takes no time like this, unless it waits for the thread that forks.
_LONGEST = 30.0
# Nor does the end of a thread: what runs on is a thread of a library.
_LONGEST_END = 1.0
_TASKS = "/proc/self/task"
# The locks that modules take before a fork, and release after it. What is registered last is done
# first: those of modules that were there before this one are taken after the wait.
_TAKEN_FOR_FORKS = {
    "logging": "_lock",
    "concurrent.futures.thread": "_global_shutdown_lock",
    "h5py._objects": "phil",
}
_LATER = {name: lock for name, lock in _TAKEN_FOR_FORKS.items() if name not in sys.modules}

_held_up = _thread.RLock()
_forking: "set[int]" = set()
_loaded_before: "frozenset[str]" = frozenset()
_of_libraries: "set[str]" = set()


def hold_forks() -> "RLock":
    """Has forks wait for a block, which is to take no locks of others.

    Returns:
        The context.
    """
    return _held_up


def is_importing(frame: "FrameType") -> bool:
    """Tells whether a thread imports something that calls of this package need.

    Args:
        frame: The innermost frame of the thread.

    Returns:
        Whether it imports this package or what that depends on, or anything on behalf of it.
    """
    within_import = False
    for outer in _outward(frame):
        if "importlib._bootstrap" in outer.f_code.co_filename:
            within_import = True
            name = outer.f_locals.get("name")
            if outer.f_code.co_name == "_find_and_load" and _is_of(_NEEDED, name):
                return True
        elif within_import and _is_of(_OURS, outer.f_globals.get("__name__")):
            return True
    return False


def _outward(frame: "FrameType | None") -> "Iterator[FrameType]":
    while frame is not None:
        yield frame
        frame = frame.f_back


def _is_of(packages: "frozenset[str]", module: object) -> bool:
    return isinstance(module, str) and module.partition(".")[0] in packages


def _before() -> None:
    global _loaded_before  # noqa: PLW0603 - the child reads it
    start = time.monotonic()
    while not _take(time.monotonic() - start) and time.monotonic() - start < _LONGEST:
        # Who is waited for may need the locks that were taken for this fork.
        for lock in _locks_taken():
            _release(lock)
        time.sleep(_BREATH)
        for lock in _locks_taken():
            lock.acquire()
    _loaded_before = frozenset(sys.modules)


def _take(waited: float) -> bool:
    """Takes what `hold_forks` holds, if no other thread has it, imports or ends."""
    if not _held_up.acquire(blocking=False):
        return False
    threads = set(sys._current_frames())
    ending = _threads_that_end()
    if waited > _LONGEST_END:
        _of_libraries.update(ending)
        ending = set()
        threads = set()
    # In the end, with nothing after it that would let others run.
    if _others_import() or ending or threads - set(sys._current_frames()):
        _held_up.release()
        return False
    _forking.add(_thread.get_ident())
    return True


def _others_import() -> bool:
    # Whoever waits for its turn to run has it before the look, not between the look and the fork.
    time.sleep(0)
    own = sys._getframe()
    frames = sys._current_frames().values()
    return any(is_importing(frame) for frame in frames if frame is not own)


def _threads_that_end() -> "set[str]":
    """The threads that Python has let go of, and that may hold a lock of OpenSSL's as they end."""
    if "_ssl" not in sys.modules:
        return set()
    return {task for task in _strangers() - _of_libraries if _is_running(task)}


def _strangers() -> "set[str]":
    """The threads that the system has and Python does not know; none where that can't be told."""
    try:
        tasks = os.listdir(_TASKS)  # noqa: PTH208 - pathlib is not loaded for this
    except OSError:
        return set()
    known = list(getattr(sys.modules.get("threading"), "_active", {}).values())
    return set(tasks) - {str(thread.native_id) for thread in known}


def _is_running(task: str) -> bool:
    """Whether a thread runs, or would if it were its turn: those of libraries mostly sleep."""
    try:
        with open(f"{_TASKS}/{task}/stat", "rb") as file:  # noqa: PTH123 - as above
            return file.read().rpartition(b")")[2].split()[:1] == [b"R"]
    except OSError:
        return False


def _locks_taken() -> "list[Lock]":
    found = [getattr(sys.modules.get(name), lock, None) for name, lock in _LATER.items()]
    return [lock for lock in found if lock is not None]


def _release(lock: "Lock") -> None:
    try:
        lock.release()
    except RuntimeError:
        # Its module was loaded during the wait: it will be released after the fork all the same.
        return


def _after_in_parent() -> None:
    thread = _thread.get_ident()
    if thread in _forking:
        _forking.remove(thread)
        _held_up.release()


def _after_in_child() -> None:
    global _held_up  # noqa: PLW0603 - a thread that there is no more may hold it
    _held_up = _thread.RLock()
    _forking.clear()
    # Imports that other threads began too late to be waited for.
    locks = getattr(sys.modules.get("_frozen_importlib"), "_module_locks", {})
    for name in set(locks) - _loaded_before:
        del locks[name]
        module = sys.modules.get(name)
        if getattr(getattr(module, "__spec__", None), "_initializing", False):
            del sys.modules[name]


if hasattr(os, "register_at_fork"):
    os.register_at_fork(
        before=_before, after_in_parent=_after_in_parent, after_in_child=_after_in_child
    )
