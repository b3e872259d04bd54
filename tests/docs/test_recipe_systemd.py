"""The units for systemd: their commands run, and systemd's own tools accept the files."""

import os
import shutil
import signal
import subprocess
import sys
from configparser import RawConfigParser
from contextlib import ExitStack
from pathlib import Path

import pytest
from support.object_storage import free_ports
from support.page_blocks import blocks, commands_folder
from support.postgresql_server import running_server
from support.team_processes import TeamProcess

from qai_hub.client import Client
from qai_hub.config import load_config

PAGE = "docs/recipes/systemd.md"
HUB, WEB, WORKER = blocks(PAGE, "ini")
UNITS = {"qai-hub": HUB, "qai-hub-web@": WEB, "qai-hub-worker@": WORKER}
# What systemd-analyze rates from 0 (confined) to 100 (exposed).
MAX_EXPOSURE = 40


def read_service(unit: str) -> dict[str, str]:
    parser = RawConfigParser(strict=False)
    parser.optionxform = str  # type: ignore[assignment,method-assign]
    parser.read_string(unit)
    return dict(parser["Service"])


@pytest.fixture(scope="module")
def service() -> dict[str, str]:
    return read_service(HUB)


def test_its_command_serves_and_ends_in_order(service: dict[str, str], tmp_path: Path) -> None:
    path = commands_folder(tmp_path / "bin", sys.executable)
    users = tmp_path / "users"
    users.write_text("you@example.com\n")
    users.chmod(0o600)
    (state,) = {service["StateDirectory"]}
    home = tmp_path / state
    home.mkdir()
    command = (
        service["ExecStart"]
        .replace("/opt/qai-hub/bin", str(path))
        .replace("/etc/qai-hub/users", str(users))
        .replace(f"/var/lib/{state}", str(home))
    )
    assert service["Environment"] == f"HOME=/var/lib/{state}"
    with subprocess.Popen(
        [*command.split(), "--port", "0"],
        env={"HOME": str(home), "PATH": os.defpath},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    ) as hub:
        assert hub.stdout is not None
        said = [line for line in iter(hub.stdout.readline, "Ctrl+C stops it.\n") if line]
        hub.send_signal(signal.SIGTERM)
        assert hub.wait(20) == 0
    assert any("you@example.com" in line for line in said)
    # The service writes below its own folder alone.
    assert {entry.name for entry in tmp_path.iterdir()} == {"bin", "users", state}
    assert {entry.name for entry in home.iterdir()} == {".qai_hub", "data"}


def test_a_team_runs_on_one_machine_by_the_commands(tmp_path: Path) -> None:
    users = tmp_path / "users"
    users.write_text("you@example.com\n")
    users.chmod(0o600)
    ports = [str(port) for port in free_ports(2)]
    with running_server() as server, ExitStack() as stack:
        database = server.create_database()
        started = []
        for unit, instance in [(WEB, ports[0]), (WEB, ports[1]), (WORKER, "1")]:
            command = (
                read_service(unit)["ExecStart"]
                .replace("%i", instance)
                .replace("/etc/qai-hub/users", str(users))
                .replace("/srv/qai-hub", str(tmp_path / "shared"))
            )
            program, *arguments = command.split()
            assert program == "/opt/qai-hub/bin/qai-hub"
            process = TeamProcess(tmp_path, *arguments, QAI_HUB_DATABASE=database)
            stack.callback(process.kill)
            process.wait_for_line("Ctrl+C")
            started.append(process)
        # One person, with a profile of each web process.
        profiles = [load_config(f"web-{port}", home=tmp_path) for port in ports]
        assert [each.api_url for each in profiles] == [f"http://127.0.0.1:{port}" for port in ports]
        users_seen = {Client(each).get_user().email for each in profiles}
        assert users_seen == {"you@example.com"}
        for process in started:
            process.send(signal.SIGTERM)
            assert process.wait_for_end() == 0


def test_workers_have_time_for_running_jobs_to_end() -> None:
    service = read_service(WORKER)
    words = service["ExecStart"].split()
    assert int(service["TimeoutStopSec"]) > int(words[words.index("--drain") + 1])
    # Both write to the folder that they share.
    for unit in (WEB, WORKER):
        service = read_service(unit)
        words = service["ExecStart"].split()
        assert service["ReadWritePaths"] == words[words.index("--data-dir") + 1]


@pytest.mark.parametrize("unit", UNITS.values(), ids=UNITS)
def test_jobs_can_still_be_put_into_their_sandbox(unit: str) -> None:
    service = read_service(unit)
    assert service["NoNewPrivileges"] == "yes"
    assert service["ProtectSystem"] == "strict"
    assert set(service["RestrictNamespaces"].split()) == {"user", "net"}
    assert service["OOMPolicy"] == "continue"


@pytest.mark.skipif(shutil.which("systemd-analyze") is None, reason="systemd is not installed")
@pytest.mark.parametrize("name", UNITS)
@pytest.mark.parametrize(
    "check",
    [["verify", "--man=no"], ["security", "--offline=true", f"--threshold={MAX_EXPOSURE}"]],
    ids=lambda check: check[0],
)
def test_systemd_accepts_it(name: str, check: list[str], tmp_path: Path) -> None:
    unit = tmp_path / f"{name}.service"
    # The command has to exist.
    unit.write_text(UNITS[name].replace("/opt/qai-hub/bin/qai-hub", sys.executable))
    done = subprocess.run(
        ["systemd-analyze", *check, str(unit)], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr
    # A directive that is not known is warned of alone.
    assert str(unit) not in done.stderr
