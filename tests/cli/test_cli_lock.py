"""The command `qai-hub lock`: files of locks, and what differs."""

import json
import os
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

import pytest
from support.command import Run

from qai_hub.client import Client, InferenceJob, JobLock, LockReplay
from qai_hub.errors import UserError


@pytest.fixture
def lock(run: Run, inferred: InferenceJob, tmp_path: Path) -> Path:
    path = tmp_path / "release.lock"
    written = run("lock", "write", inferred.job_id, "-o", str(path))
    assert (written.status, written.out) == (0, f"{path}\n")
    return path


def edit(path: Path, **outputs: str) -> Path:
    """Write a lock beside another one, in which outputs have other digests."""
    document = json.loads(path.read_text())
    for name, sha256 in outputs.items():
        for job in document["jobs"]:
            if name in job["outputs"]:
                job["outputs"][name]["sha256"] = sha256
    edited = path.with_name("edited.lock")
    edited.write_text(json.dumps(document))
    return edited


def test_a_lock_is_written_and_shown(run: Run, lock: Path) -> None:
    jobs = JobLock.load(lock).jobs
    shown = json.loads(run("lock", "show", str(lock), "--json", "id,type,inputs").out)
    assert [each["id"] for each in shown] == [each.id for each in jobs]
    assert [each["type"] for each in shown] == ["compile", "inference"]
    assert shown[1]["inputs"][0] == f"model: made by {jobs[0].id}"


def test_no_file_is_replaced_unless_asked(run: Run, lock: Path, inferred: InferenceJob) -> None:
    before = lock.read_bytes()
    refused = run("lock", "write", inferred.job_id, "-o", str(lock))
    assert refused.status == 1
    assert "release.lock" in refused.err
    assert lock.read_bytes() == before
    assert run("lock", "write", inferred.job_id, "-o", str(lock), "-f").status == 0


@pytest.mark.skipif(os.name != "posix", reason="there are no such files")
def test_links_stay_links_and_what_is_no_file_stays(
    run: Run, lock: Path, inferred: InferenceJob, tmp_path: Path
) -> None:
    writers: dict[str, Callable[[str], object]] = {
        "hub.lock": lambda path: JobLock.load(lock).save(path),
        "written.lock": lambda path: run("lock", "write", inferred.job_id, "-f", "-o", path),
        "replayed.lock": lambda path: run("lock", "replay", str(lock), "-f", "-o", path),
        "profile.json": inferred.download_profile,
        "outputs.h5": inferred.download_output_data,
        "copied.h5": lambda path: run("dataset", "download", inferred.job_id, "-f", "-o", path),
        "outputs.npz": lambda path: run("dataset", "download", inferred.job_id, "-f", "-o", path),
    }
    (tmp_path / "real").mkdir()
    for name, write in writers.items():
        link, real = tmp_path / name, tmp_path / "real" / name
        real.touch()
        link.symlink_to(real)
        write(str(link))
        assert link.is_symlink(), name
        assert real.stat().st_size, name
        link.unlink()
        os.mkfifo(link)
        with suppress(UserError):
            write(str(link))
        assert link.is_fifo(), name
    assert {each.name for each in tmp_path.iterdir()} == {*writers, "real", "release.lock"}


@pytest.mark.skipif(os.name != "posix", reason="there are no such files")
def test_nothing_is_submitted_for_a_lock_that_cannot_be_written(
    run: Run, client: Client, lock: Path, tmp_path: Path
) -> None:
    (tmp_path / "file").touch()
    os.mkfifo(tmp_path / "pipe")
    newest = client.get_job_summaries(limit=1)[0].job_id
    for output, reason in [
        ("file/again.lock", "file is not a folder"),
        ("pipe", "pipe is a device, a pipe or a socket, which no file replaces"),
        ("-", "Standard output has what differs"),
        ("/dev/stdout", "Standard output has what differs"),
        ("/proc/again.lock", "/proc/again.lock: "),
    ]:
        refused = run("lock", "replay", str(lock), "-f", "-o", output)
        assert refused.status in (1, 2)
        assert refused.out == ""
        assert reason in refused.err
        assert ".part" not in refused.err
    assert client.get_job_summaries(limit=1)[0].job_id == newest


def test_what_differs_is_told_if_the_lock_cannot_be_written_in_the_end(
    run: Run, lock: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def replay_and_remove(client: Client, locked: JobLock, files: None) -> LockReplay:
        done = replay(client, locked, files)
        (tmp_path / "made").rmdir()
        (tmp_path / "made").touch()
        return done

    replay = Client.replay_lock
    monkeypatch.setattr(Client, "replay_lock", replay_and_remove)
    edited = edit(lock, target_model="0" * 64)
    failed = run("lock", "replay", str(edited), "-o", "made/again.lock", "--json", "kind")
    assert failed.status == 1
    assert json.loads(failed.out) == [{"kind": "output"}]
    assert "qai-hub: made is not a folder: give the path of a folder." in failed.err


def test_a_lock_goes_to_standard_output(run: Run, lock: Path, inferred: InferenceJob) -> None:
    for output in ("-", "/dev/stdout"):
        assert run("lock", "write", inferred.job_id, "-o", output).out == lock.read_text()
    assert run("lock", "write", inferred.job_id, "-o", "-", "--json").status == 2


def test_a_replay_says_whether_all_is_the_same(run: Run, lock: Path, tmp_path: Path) -> None:
    again = tmp_path / "again.lock"
    same = run("lock", "replay", str(lock), "-o", str(again))
    assert (same.status, same.out) == (0, "")
    assert same.err.endswith(f"The results are those of {lock}.\n")
    compared = run("lock", "diff", str(lock), str(again))
    assert (compared.status, compared.out) == (0, "")


def test_a_replay_tells_what_differs(run: Run, lock: Path) -> None:
    edited = edit(lock, target_model="0" * 64)
    differs = run("lock", "replay", str(edited), "--format", "tsv", "--fields", "kind,name")
    assert (differs.status, differs.out) == (1, "output\ttarget_model\n")
    assert differs.err.endswith(f"The results are not those of {edited}.\n")


def test_two_locks_are_compared_without_a_hub(run: Run, lock: Path) -> None:
    edited = edit(lock, output_data="0" * 64)
    (row,) = json.loads(run("lock", "diff", str(lock), str(edited), "--json").out)
    assert (row["kind"], row["name"]) == ("output", "output_data")
    assert row["found"].startswith("0" * 16)


def test_what_is_no_lock_is_refused(run: Run, tmp_path: Path) -> None:
    path = tmp_path / "no.lock"
    path.write_text("{}")
    refused = run("lock", "show", str(path))
    assert refused.status == 1
    assert refused.err.startswith(f"qai-hub: {path} is not a lock of jobs: it does not begin with")
    assert run("lock", "show", str(tmp_path / "none.lock")).status == 1
