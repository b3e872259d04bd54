"""A disk that is full ends jobs with a reason, and a hub goes on as soon as there is room."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

HERE = Path(__file__).parent
# A file system of its own needs rights of its own, which Linux may give to everybody.
MOUNT = ["unshare", "--user", "--map-root-user", "--mount"]
SCRIPT = 'mount -t tmpfs -o size=6m none "$1" && exec "$2" "$3" "$1" "$4"'


def can_mount(folder: Path) -> bool:
    command = [*MOUNT, "mount", "-t", "tmpfs", "none", str(folder)]
    try:
        return subprocess.run(command, capture_output=True, check=False).returncode == 0
    except FileNotFoundError:
        return False


@pytest.mark.parametrize("room", [40_000, 100_000])
def test_jobs_on_a_full_disk(tmp_path: Path, room: int) -> None:
    if not can_mount(tmp_path):
        pytest.skip("this system lets nobody but root mount a disk")
    arguments = [str(tmp_path), sys.executable, str(HERE / "run_on_small_disk.py"), str(room)]
    done = subprocess.run(
        [*MOUNT, "sh", "-c", SCRIPT, "sh", *arguments],
        capture_output=True,
        text=True,
        cwd=HERE.parent,
        env={"PYTHONPATH": str(HERE.parent), "HOME": str(tmp_path), "PATH": "/usr/bin:/bin"},
        check=False,
        timeout=100,
    )
    assert done.returncode == 0, done.stderr
    before, full, after = json.loads(done.stdout)
    assert (before, after) == ("SUCCESS: ", "SUCCESS: ")
    # How much room a transaction takes is SQLite's affair: it is refused, or ends.
    assert full.startswith("RUNTIME_OUT_OF_DISK: ") or "503 Service Unavailable" in full, full
    assert "The disk of this hub is full." in full
