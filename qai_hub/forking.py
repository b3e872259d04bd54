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

__all__ = ["delay_forks", "is_importing"]

_OWN_PACKAGES = frozenset({"qai_hub", "qai_hub_api"})
# Packages that calls import, or that other code may import before them.
_IMPORTED_PACKAGES = (
    _OWN_PACKAGES
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
        *("idna", "numpy", "rich", "socksio"),
    }
)
_POLL_INTERVAL = 0.001
# Seconds to wait for imports. One that takes longer waits for the thread that forks.
_MAX_IMPORT_WAIT = 30.0
# Seconds to wait for threads to end. One that still runs belongs to a library.
_MAX_THREAD_WAIT = 1.0
_TASKS_FOLDER = "/proc/self/task"
# Locks that modules acquire before a fork and release after it. Hooks run in reverse order of
# registration, so modules imported before this one acquire theirs after the wait.
_FORK_LOCKS = {
    "logging": "_lock",
    "concurrent.futures.thread": "_global_shutdown_lock",
    "h5py._objects": "phil",
}
_LATE_FORK_LOCKS = {name: lock for name, lock in _FORK_LOCKS.items() if name not in sys.modules}

_fork_lock = _thread.RLock()
_forking_threads: "set[int]" = set()
_modules_before_fork: "frozenset[str]" = frozenset()
_library_threads: "set[str]" = set()


def delay_forks() -> "RLock":
    """Returns a context manager that delays forks during its block.

    The block must not wait for locks of other code.

    Returns:
        The context manager.
    """
    return _fork_lock


def is_importing(frame: "FrameType") -> bool:
    """Returns whether a thread is importing a module that this package needs.

    Args:
        frame: The innermost frame of the thread.

    Returns:
        Whether it imports this package or one of its dependencies, or any module on behalf of it.
    """
    within_import = False
    for outer in _iter_frames(frame):
        if "importlib._bootstrap" in outer.f_code.co_filename:
            within_import = True
            name = outer.f_locals.get("name")
            if outer.f_code.co_name == "_find_and_load" and _is_of(_IMPORTED_PACKAGES, name):
                return True
        elif within_import and _is_of(_OWN_PACKAGES, outer.f_globals.get("__name__")):
            return True
    return False


def _iter_frames(frame: "FrameType | None") -> "Iterator[FrameType]":
    while frame is not None:
        yield frame
        frame = frame.f_back


def _is_of(packages: "frozenset[str]", module: object) -> bool:
    return isinstance(module, str) and module.partition(".")[0] in packages


def _before_fork() -> None:
    global _modules_before_fork  # noqa: PLW0603 - the child reads it
    start = time.monotonic()
    while (
        not _try_acquire(time.monotonic() - start) and time.monotonic() - start < _MAX_IMPORT_WAIT
    ):
        # The threads waited for may need the locks that were acquired for this fork.
        for lock in _acquired_locks():
            _release(lock)
        time.sleep(_POLL_INTERVAL)
        for lock in _acquired_locks():
            lock.acquire()
    _modules_before_fork = frozenset(sys.modules)


def _try_acquire(waited: float) -> bool:
    """Acquires the lock of `delay_forks`, unless another thread holds it, imports or ends."""
    if not _fork_lock.acquire(blocking=False):
        return False
    threads = set(sys._current_frames())
    ending = _ending_threads()
    if waited > _MAX_THREAD_WAIT:
        _library_threads.update(ending)
        ending = set()
        threads = set()
    # This check comes last, with nothing after it that would let other threads run.
    if _is_another_thread_importing() or ending or threads - set(sys._current_frames()):
        _fork_lock.release()
        return False
    _forking_threads.add(_thread.get_ident())
    return True


def _is_another_thread_importing() -> bool:
    # Let waiting threads run before the check rather than between the check and the fork.
    time.sleep(0)
    own = sys._getframe()
    frames = sys._current_frames().values()
    return any(is_importing(frame) for frame in frames if frame is not own)


def _ending_threads() -> "set[str]":
    """Returns running threads that Python has released, which may hold a lock of OpenSSL."""
    if "_ssl" not in sys.modules:
        return set()
    return {task for task in _unknown_threads() - _library_threads if _is_running(task)}


def _unknown_threads() -> "set[str]":
    """Returns threads of this process that Python does not know; none if /proc is missing."""
    try:
        tasks = os.listdir(_TASKS_FOLDER)  # noqa: PTH208 - pathlib is not loaded for this
    except OSError:
        return set()
    known = list(getattr(sys.modules.get("threading"), "_active", {}).values())
    # In a process that was forked, Python 3.11 still knows this thread by its number in the parent.
    own = str(_thread.get_native_id())
    return set(tasks) - {own, *(str(thread.native_id) for thread in known)}


def _is_running(task: str) -> bool:
    """Returns whether a thread is running or ready to run; those of libraries mostly sleep."""
    try:
        with open(f"{_TASKS_FOLDER}/{task}/stat", "rb") as file:  # noqa: PTH123 - as above
            return file.read().rpartition(b")")[2].split()[:1] == [b"R"]
    except OSError:
        return False


def _acquired_locks() -> "list[Lock]":
    found = [getattr(sys.modules.get(name), lock, None) for name, lock in _LATE_FORK_LOCKS.items()]
    return [lock for lock in found if lock is not None]


def _release(lock: "Lock") -> None:
    try:
        lock.release()
    except RuntimeError:
        # The module was imported during the wait. Its own hook handles the lock after the fork.
        return


def _after_in_parent() -> None:
    thread = _thread.get_ident()
    if thread in _forking_threads:
        _forking_threads.remove(thread)
        _fork_lock.release()


def _after_in_child() -> None:
    global _fork_lock  # noqa: PLW0603 - a thread that there is no more may hold it
    _fork_lock = _thread.RLock()
    _forking_threads.clear()
    # Discard imports that other threads began after the wait.
    locks = getattr(sys.modules.get("_frozen_importlib"), "_module_locks", {})
    for name in set(locks) - _modules_before_fork:
        del locks[name]
        module = sys.modules.get(name)
        if getattr(getattr(module, "__spec__", None), "_initializing", False):
            del sys.modules[name]


if hasattr(os, "register_at_fork"):
    os.register_at_fork(
        before=_before_fork, after_in_parent=_after_in_parent, after_in_child=_after_in_child
    )
