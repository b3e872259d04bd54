"""Delays forks until the child process can safely use this package.

Many modules, of this package and of the libraries it uses, are imported by the first call that
needs them. An import holds a lock. If another thread forks meanwhile, the child inherits the lock
without the thread that would release it, and its own import of that module would block for ever. So
a fork waits while other threads import modules for this package. Python offers no hook for the very
last moment before a fork, so imports may still begin after the wait; the child discards and repeats
those. OpenSSL has such locks too. A thread that has used it takes one of them while it ends, at a
time when Python no longer knows of the thread.
"""

import _thread
import os
import sys
import time

# As in the package's `__init__`: this module is imported with it, so it must not import `typing`.
TYPE_CHECKING = False

if TYPE_CHECKING:
    from collections.abc import Iterator
    from threading import Lock, RLock
    from types import FrameType

__all__ = ["hold_forks", "is_importing"]

_OURS = frozenset({"qai_hub", "qai_hub_api"})
# Packages that calls import, or that other code may import before them.
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
_POLL_INTERVAL = 0.001
# Seconds to wait for imports. One that takes longer waits for the thread that forks.
_LONGEST = 30.0
# Seconds to wait for threads to end. One that still runs belongs to a library.
_LONGEST_END = 1.0
_TASKS = "/proc/self/task"
# Locks that modules acquire before a fork and release after it. Hooks run in reverse order of
# registration, so modules imported before this one acquire theirs after the wait.
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
    """Returns a context manager that delays forks during its block.

    The block must not wait for locks of other code.

    Returns:
        The context manager.
    """
    return _held_up


def is_importing(frame: "FrameType") -> bool:
    """Returns whether a thread is importing a module that this package needs.

    Args:
        frame: The innermost frame of the thread.

    Returns:
        Whether it imports this package or one of its dependencies, or any module on behalf of it.
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
        # The threads waited for may need the locks that were acquired for this fork.
        for lock in _locks_taken():
            _release(lock)
        time.sleep(_POLL_INTERVAL)
        for lock in _locks_taken():
            lock.acquire()
    _loaded_before = frozenset(sys.modules)


def _take(waited: float) -> bool:
    """Acquires the lock of `hold_forks`, unless another thread holds it, imports or ends."""
    if not _held_up.acquire(blocking=False):
        return False
    threads = set(sys._current_frames())
    ending = _threads_that_end()
    if waited > _LONGEST_END:
        _of_libraries.update(ending)
        ending = set()
        threads = set()
    # This check comes last, with nothing after it that would let other threads run.
    if _others_import() or ending or threads - set(sys._current_frames()):
        _held_up.release()
        return False
    _forking.add(_thread.get_ident())
    return True


def _others_import() -> bool:
    # Let waiting threads run before the check rather than between the check and the fork.
    time.sleep(0)
    own = sys._getframe()
    frames = sys._current_frames().values()
    return any(is_importing(frame) for frame in frames if frame is not own)


def _threads_that_end() -> "set[str]":
    """Returns running threads that Python has released, which may hold a lock of OpenSSL."""
    if "_ssl" not in sys.modules:
        return set()
    return {task for task in _strangers() - _of_libraries if _is_running(task)}


def _strangers() -> "set[str]":
    """Returns threads of this process that Python does not know; none if /proc is missing."""
    try:
        tasks = os.listdir(_TASKS)  # noqa: PTH208 - pathlib is not loaded for this
    except OSError:
        return set()
    known = list(getattr(sys.modules.get("threading"), "_active", {}).values())
    return set(tasks) - {str(thread.native_id) for thread in known}


def _is_running(task: str) -> bool:
    """Returns whether a thread is running or ready to run; those of libraries mostly sleep."""
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
        # The module was imported during the wait. Its own hook handles the lock after the fork.
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
    # Discard imports that other threads began after the wait.
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
