"""The command `qai-hub serve`, as a process."""

import os
import pty
import signal
import socket
import sqlite3
import stat
import subprocess
import sys
from collections.abc import Iterator
from contextlib import closing, contextmanager
from itertools import pairwise
from pathlib import Path

import httpx
import pytest
from support.execution_models import endless_model
from support.polling import wait_until
from support.tiny_models import affine

from qai_hub.cli import hub_process
from qai_hub.cli.main import main
from qai_hub.client import Client, Device
from qai_hub.config import ClientConfig, load_config, save_config
from qai_hub.local.engine.sandbox import describe_sandbox
from qai_hub.local.frameworks import format_capabilities


def environment(home: Path) -> dict[str, str]:
    kept = {name: value for name, value in os.environ.items() if not name.startswith("QAI")}
    return kept | {"HOME": str(home), "USERPROFILE": str(home)}


class Served:
    """A running command and what it has said so far."""

    def __init__(self, process: subprocess.Popen[str]) -> None:
        self.process = process
        self.said: list[str] = []
        assert process.stdout is not None
        for line in process.stdout:
            self.said.append(line.rstrip())
            if line.startswith("Ctrl+C"):
                break

    @property
    def url(self) -> str:
        return self.said[0].split()[3].rstrip(",")

    def end(self, number: int) -> tuple[int, str]:
        """Send a signal; return the exit status and what else was said."""
        self.process.send_signal(number)
        rest, _ = self.process.communicate(timeout=20)
        return self.process.returncode, rest


@contextmanager
def served(home: Path, *arguments: str, warm: bool = False, **variables: str) -> Iterator[Served]:
    """Serve; without warm workers, whose imports cost each start a second of processor time."""
    command = [sys.executable, "-m", "qai_hub", "serve", *arguments]
    command += [] if warm else ["--cold-workers"]
    with subprocess.Popen(
        command,
        env=environment(home) | variables,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    ) as process:
        try:
            yield Served(process)
        finally:
            process.kill()


def run(home: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "qai_hub", *arguments],
        env=environment(home),
        capture_output=True,
        text=True,
        timeout=30,
        check=False,
    )


def who(config: ClientConfig) -> str:
    headers = {"Authorization": f"token {config.api_token}"}
    answer = httpx.get(f"{config.api_url}/api/v1/users/auth/user/", headers=headers)
    assert answer.status_code == 200, answer.text
    return str(answer.json()["email"])


def free_port() -> str:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return str(probe.getsockname()[1])


def check_first_job(home: Path, hub: Served) -> None:
    """What is printed for another terminal works there as it stands."""
    start = hub.said.index("To use it from another terminal:")
    script = "\n".join(line.strip() for line in hub.said[start + 1 : start + 3])
    assert script.startswith("export QAIHUB_CLIENT_INI=")
    done = subprocess.run(
        ["sh", "-e", "-c", script],
        env=environment(home),
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert "y = [[" in done.stdout
    assert f"{hub.url}/jobs/" in done.stdout


def test_it_serves_says_how_to_connect_and_stops_cleanly(tmp_path: Path) -> None:
    with served(tmp_path, "--port", "0", warm=True) as hub:
        config = load_config("local", home=tmp_path)
        assert config.api_url == config.web_url == hub.url
        assert who(config) == "user@localhost"
        assert stat.S_IMODE((tmp_path / ".qai_hub" / "local.ini").stat().st_mode) == 0o600
        assert stat.S_IMODE((tmp_path / ".qai_hub" / "local").stat().st_mode) == 0o700
        text = "\n".join(hub.said)
        assert 'hub.Client(profile="local")' in text
        assert config.api_token not in text
        assert all(f"  {line}" in hub.said for line in format_capabilities())
        assert describe_sandbox() in hub.said
        check_first_job(tmp_path, hub)
        status, rest = hub.end(signal.SIGINT)
    assert status == 0
    assert rest.startswith("Stopped.")
    assert "Traceback" not in rest


def test_examples_that_cannot_be_written_are_told(tmp_path: Path) -> None:
    # Where onnx cannot be imported, though it is there.
    broken = tmp_path / "broken" / "onnx"
    broken.mkdir(parents=True)
    (broken / "__init__.py").write_text("raise ImportError('onnx is broken')")
    with served(tmp_path, "--port", "0", PYTHONPATH=str(broken.parent)) as hub:
        (told,) = [line for line in hub.said if line.startswith("qai-hub: ")]
        assert told == (
            "qai-hub: The examples cannot be written: ImportError: onnx is broken. The hub works "
            "without them."
        )
        assert hub.end(signal.SIGTERM)[0] == 0


def test_users_ports_and_folders_are_chosen(tmp_path: Path) -> None:
    port = free_port()
    arguments = ["--port", port, "--data-dir", str(tmp_path / "d"), "--profile", "mine"]
    arguments += ["--user", "ada@example.com=given-token", "--user", "bob@example.com"]
    arguments += ["--user", 'a/"b@example.com']
    with served(tmp_path, *arguments) as hub:
        assert hub.url == f"http://127.0.0.1:{port}"
        ada = load_config("mine", home=tmp_path)
        bob = load_config("mine-bob@example.com", home=tmp_path)
        assert ada.api_token == "given-token"
        assert (who(ada), who(bob)) == ("ada@example.com", "bob@example.com")
        # An address may have signs that names of files cannot have.
        other = load_config("mine-a%2F%22b@example.com", home=tmp_path)
        assert who(other) == 'a/"b@example.com'
        assert "given-token" not in "\n".join(hub.said)
        assert hub.end(signal.SIGTERM)[0] == 0
    assert (tmp_path / "d" / "hub.db").exists()
    with served(tmp_path, *arguments):
        # Whoever has the old profile keeps it, and it still works.
        assert load_config("mine-bob@example.com", home=tmp_path).api_token == bob.api_token
        assert who(bob) == "bob@example.com"


def refused(config: ClientConfig) -> bool:
    headers = {"Authorization": f"token {config.api_token}"}
    return (
        httpx.get(f"{config.api_url}/api/v1/users/auth/user/", headers=headers).status_code == 401
    )


def test_users_come_from_a_file_and_the_environment_and_show_nowhere(tmp_path: Path) -> None:
    file = tmp_path / "users"
    file.write_text("# people\nada@example.com=file-token\n\nbob@example.com\n")
    arguments = ["--port", "0", "--users-file", str(file)]
    with served(tmp_path, *arguments) as hub:
        assert hub.process.wait(20) == 1
        assert "chmod 600" in "".join(hub.said)
    file.chmod(0o600)
    arguments += ["--user", "zoe@example.com"]
    more = "eve@example.com=env-token ada@example.com"
    with served(tmp_path, *arguments, QAI_HUB_LOCAL_USERS=more) as hub:
        profiles = ["local", *(f"local-{name}@example.com" for name in ("eve", "ada", "bob"))]
        people = [load_config(name, home=tmp_path) for name in profiles]
        assert [who(each) for each in people] == [
            f"{name}@example.com" for name in ("zoe", "eve", "ada", "bob")
        ]
        assert [people[1].api_token, people[2].api_token] == ["env-token", "file-token"]
        command = Path(f"/proc/{hub.process.pid}/cmdline")
        if command.exists():
            assert b"-token" not in command.read_bytes()
        assert "-token" not in "".join(hub.said)
        # The workers of jobs know nothing of it.
        client = Client(people[0])
        job = client.submit_compile_job(affine(), Device("Samsung Galaxy S24"))
        assert job.wait(60).success


def test_a_new_token_replaces_the_old_one_also_in_profiles(tmp_path: Path) -> None:
    port = free_port()
    arguments = ["--port", port, "--user", "bob@example.com", "--user"]
    with served(tmp_path, *arguments, "ada@example.com=one"):
        bob = load_config("local", home=tmp_path)
        ada = load_config("local-ada@example.com", home=tmp_path)
        assert ada.api_token == "one"
    with served(tmp_path, *arguments, "ada@example.com=two"):
        assert load_config("local", home=tmp_path).api_token == bob.api_token
        assert load_config("local-ada@example.com", home=tmp_path).api_token == "two"
        assert refused(ada)
    with served(tmp_path, "--port", port, "--user", "ada@example.com") as hub:
        assert "bob@example.com no longer has access" in "".join(hub.said)
        assert refused(bob)
        assert load_config("local", home=tmp_path).api_token != bob.api_token
    with served(tmp_path, "--port", port, "--user", "bob@example.com", "--keep-users"):
        assert who(load_config("local-ada@example.com", home=tmp_path)) == "ada@example.com"


def test_a_profile_and_the_examples_stay_at_another_port(tmp_path: Path) -> None:
    tokens = set()
    examples = tmp_path / "my data" / "examples"
    for files in (["first_job.py", "model.onnx"], ["first_job.py"]):
        with served(tmp_path, "--port", "0", "--data-dir", str(examples.parent)) as hub:
            assert sorted(path.name for path in examples.iterdir()) == files
            (examples / "model.onnx").unlink(missing_ok=True)
            config = load_config("local", home=tmp_path)
            assert config.api_url == hub.url
            assert who(config) == "user@localhost"
            tokens.add(config.api_token)
    assert len(tokens) == 1


def test_jobs_run_one_at_a_time_and_always_where_that_is_asked_for(tmp_path: Path) -> None:
    with served(tmp_path, "--port", "0", "--max-parallel-jobs", "1", "--no-cache"):
        client = Client(load_config("local", home=tmp_path))
        jobs = [
            client.submit_compile_job(
                affine(), Device("Samsung Galaxy S24"), options="--target_runtime onnx"
            )
            for _ in range(3)
        ]
        assert all(job.wait(60).success for job in jobs)
        ended = [client.get_job(job.job_id) for job in jobs]
    for first, second in pairwise(ended):
        assert first.completed_at is not None
        assert second.started_at is not None
        assert first.completed_at <= second.started_at
    assert not any(job.notices for job in ended)


def test_the_memory_of_jobs_is_bounded(tmp_path: Path) -> None:
    with served(tmp_path, "--port", "0", "--memory-limit", "150") as hub:
        client = Client(config=load_config("local", home=tmp_path))
        job = client.submit_compile_job(affine(), Device("Samsung Galaxy S24"))
        status = job.wait(30)
        hub.end(signal.SIGTERM)
    assert job.failure_type == "RUNTIME_OUT_OF_MEMORY"
    assert "the limit of this hub is 150 MiB" in (status.message or "")


def test_what_is_in_use_is_told_in_one_line(tmp_path: Path) -> None:
    with served(tmp_path, "--port", "0") as hub:
        port = hub.url.rpartition(":")[2]
        elsewhere = ["--data-dir", str(tmp_path / "other")]
        mine = f"Your hub runs already, at {hub.url}: use it with `--profile local` or"
        again = [
            (run(tmp_path, "serve", "--port", port), mine),
            (run(tmp_path, "serve", "--port", port, *elsewhere), mine),
            (run(tmp_path, "serve", "--port", "0"), mine),
        ]
        (tmp_path / ".qai_hub" / "local.ini").unlink()
        again += [
            (run(tmp_path, "serve", "--port", port, *elsewhere), f"Port {port}"),
            (run(tmp_path, "serve", "--port", "0"), "--data-dir chooses the data folder."),
        ]
    for done, words in again:
        assert done.returncode == 1
        assert words in done.stderr
        assert len(done.stderr.splitlines()) == 1


def test_a_disk_without_room_is_not_taken_for_a_port_in_use(tmp_path: Path) -> None:
    # Where no file may grow, the error names no file, as on a full disk.
    command = [sys.executable, "-m", "qai_hub", "serve", "--port", "0", "--data-dir"]
    done = subprocess.run(
        ["sh", "-c", 'ulimit -f 0; exec "$@"', "sh", *command, str(tmp_path / "data")],
        env=environment(tmp_path),
        capture_output=True,
        text=True,
        timeout=30,
        check=False,
    )
    assert (done.returncode, done.stdout) == (1, "")
    assert done.stderr == f"qai-hub: {tmp_path / 'data'}: File too large.\n"


@pytest.mark.parametrize("host", ["", "0.0.0.0"])
def test_a_hub_that_others_can_reach_says_so(tmp_path: Path, host: str) -> None:
    with served(tmp_path, "--port", "0", "--host", host) as hub:
        assert any("unencrypted" in line for line in hub.said)
        assert hub.end(signal.SIGTERM)[0] == 0


def test_a_folder_of_somebody_else_is_refused_in_one_line(tmp_path: Path) -> None:
    folder = tmp_path / "theirs"
    (folder / "files").mkdir(parents=True)
    (folder / "files" / "thesis.txt").write_text("thesis")
    done = run(tmp_path, "serve", "--port", "0", "--data-dir", str(folder))
    assert (done.returncode, done.stdout, len(done.stderr.splitlines())) == (1, "", 1)
    assert f"{folder} is not a hub's data folder, and not empty: it contains files" in done.stderr
    assert [path.name for path in folder.rglob("*")] == ["files", "thesis.txt"]


def test_what_is_in_quarantine_is_told(tmp_path: Path) -> None:
    folder = tmp_path / "d"
    arguments = ["--port", "0", "--data-dir", str(folder)]
    with served(tmp_path, *arguments) as hub:
        assert not any("In quarantine" in line for line in hub.said)
        assert hub.end(signal.SIGTERM)[0] == 0
    for name in ("f1", "f2"):
        (folder / "files" / name).write_bytes(b"0" * 1_500_000)
    with served(tmp_path, *arguments) as hub:
        assert f"In quarantine: 2 (3.0 MB), in {folder / 'quarantine'}" in hub.said
        (warning,) = [line for line in hub.said if "WARNING" in line]
        assert "unknown or expired files were moved to" in warning
        assert hub.end(signal.SIGTERM)[0] == 0


def test_a_profile_of_another_server_is_not_written_over(tmp_path: Path) -> None:
    official = ClientConfig(api_token="precious")
    path = save_config(official, "local", home=tmp_path)
    before = path.read_text()
    done = run(tmp_path, "serve", "--port", "0")
    assert done.returncode == 1
    assert "choose another name with --profile" in done.stderr
    assert "precious" not in done.stderr
    assert path.read_text() == before
    path.write_text("nonsense")
    assert run(tmp_path, "serve", "--port", "0").returncode == 1
    assert path.read_text() == "nonsense"


def test_a_profile_of_another_hub_is_neither_taken_from_it_nor_lost(tmp_path: Path) -> None:
    profile = tmp_path / ".qai_hub" / "local.ini"
    other = ("--port", "0", "--data-dir", str(tmp_path / "other"))
    with served(tmp_path, "--port", "0") as hub:
        before = profile.read_text()
        refused = run(tmp_path, "serve", *other)
        assert (refused.returncode, profile.read_text()) == (1, before)
        assert f"The profile 'local' is for your hub at {hub.url}, which runs" in refused.stderr
        assert "`--profile local-2`" in refused.stderr
        hub.end(signal.SIGTERM)

    with served(tmp_path, *other) as second:
        kept = profile.with_name("local.ini.bak")
        assert f"  The profile 'local' was for another hub, at {hub.url}: {kept} has it." in (
            second.said
        )
        assert kept.read_text() == before
        assert second.url in profile.read_text()


def test_users_that_cannot_be_are_told(tmp_path: Path) -> None:
    done = run(tmp_path, "serve", "--port", "0", "--user", "ada")
    assert (done.returncode, len(done.stderr.splitlines())) == (2, 2)
    assert "'ada' is not an e-mail address." in done.stderr
    twice = ["--user", "a@b=secret-1", "--user", "A@B=secret-2"]
    done = run(tmp_path, "serve", "--port", "0", *twice)
    assert (done.returncode, len(done.stderr.splitlines())) == (2, 2)
    assert "a@b is named twice, with different tokens." in done.stderr
    assert "secret" not in done.stderr
    file = tmp_path / "users"
    file.write_text("a@b=secret-1")
    file.chmod(0o600)
    done = run(
        tmp_path, "serve", "--port", "0", "--user", "c@d=secret-1", "--users-file", str(file)
    )
    assert (done.returncode, len(done.stderr.splitlines())) == (1, 1)
    assert "secret" not in done.stderr
    assert done.stderr.endswith(".\n")


@pytest.mark.parametrize(
    "arguments",
    [
        ["--port", "x"],
        ["--port", "70000"],
        ["--job-timeout", "0"],
        ["--job-timeout", "nan"],
        ["--max-parallel-jobs", "0"],
        ["--max-parallel-jobs", "1.5"],
        ["--memory-limit", "0"],
        ["--memory-limit", "4GB"],
        ["--user", "a@b="],
        ["--log-level", "loud"],
    ],
)
def test_arguments_that_make_no_sense(
    arguments: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["serve", *arguments]) == 2
    assert arguments[0] in capsys.readouterr().err


def test_without_the_extra_it_names_it(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(
        hub_process, "find_spec", lambda name: None if name == "uvicorn" else object()
    )
    assert main(["serve"]) == 1
    error = capsys.readouterr().err
    assert error == (
        "qai-hub: The local hub needs uvicorn: run `pip install 'qai-hub-openapi[local]'`.\n"
    )


def test_a_hangup_ends_it_in_order_and_may_be_ignored(tmp_path: Path) -> None:
    with served(tmp_path, "--port", "0") as hub:
        status, rest = hub.end(signal.SIGHUP)
    assert (status, rest.startswith("Stopped.")) == (0, True)
    before = signal.signal(signal.SIGHUP, signal.SIG_IGN)
    try:
        with served(tmp_path, "--port", "0") as hub:
            hub.process.send_signal(signal.SIGHUP)
            assert httpx.get(f"{hub.url}/healthz").status_code == 200
            assert hub.end(signal.SIGTERM)[0] == 0
    finally:
        signal.signal(signal.SIGHUP, before)


IN_ITS_TERMINAL = """
import fcntl, os, sys, termios
fcntl.ioctl(0, termios.TIOCSCTTY, 0)
os.execv(sys.executable, [sys.executable, *sys.argv[1:]])
"""


def test_a_terminal_that_closes_ends_it_in_order(tmp_path: Path) -> None:
    command = [sys.executable, "-c", IN_ITS_TERMINAL, "-m", "qai_hub", "serve", "--port", "0"]
    command += ["--cold-workers"]
    controller, terminal = pty.openpty()
    with subprocess.Popen(
        command,
        env=environment(tmp_path),
        stdin=terminal,
        stdout=terminal,
        stderr=terminal,
        start_new_session=True,
    ) as process:
        try:
            os.close(terminal)
            said = b""
            while b"Ctrl+C" not in said:
                said += os.read(controller, 4096)
            os.close(controller)
            assert process.wait(20) == 0
        finally:
            process.kill()
    with sqlite3.connect(tmp_path / ".qai_hub" / "local" / "hub.db") as db:
        assert db.execute("PRAGMA integrity_check").fetchone() == ("ok",)
    db.close()
    assert not (tmp_path / ".qai_hub" / "local" / "hub.db-wal").exists()


@pytest.mark.parametrize("first", [signal.SIGHUP, signal.SIGTERM])
def test_a_terminal_that_closes_disturbs_no_orderly_end(
    tmp_path: Path, first: signal.Signals
) -> None:
    with served(tmp_path, "--port", "0") as hub:
        hub.process.send_signal(first)
        status, rest = hub.end(signal.SIGHUP)
    assert (status, "Stopped." in rest) == (0, True)


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_second_signal_ends_it_at_once_and_loses_nothing(
    tmp_path: Path, number: signal.Signals
) -> None:
    arguments = ["--port", "0", "--max-parallel-jobs", "1"]
    with served(tmp_path, *arguments) as hub:
        client = Client(load_config("local", home=tmp_path))
        endless = client.upload_model(endless_model())
        job = client.submit_inference_job(endless, Device("Samsung Galaxy S24"))
        wait_until(lambda: job.get_status().running)
        # It cannot stop in order, as somebody keeps the database from it.
        with closing(sqlite3.connect(tmp_path / ".qai_hub" / "local" / "hub.db")) as db:
            db.execute("BEGIN IMMEDIATE")
            hub.process.send_signal(number)
            wait_until(lambda: is_refused(hub.url))
            status, rest = hub.end(number)
    assert (status, rest) == (-number, "")
    with served(tmp_path, *arguments):
        again = Client(load_config("local", home=tmp_path)).get_job(job.job_id)
        wait_until(lambda: again.get_status().running)
        again.cancel()


def is_refused(url: str) -> bool:
    """Tell whether a hub takes no more connections."""
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", int(url.rpartition(":")[2]))) != 0
