"""The unit for systemd: its command runs, and systemd's own tools accept the file."""

import os
import shutil
import signal
import subprocess
import sys
from configparser import RawConfigParser
from pathlib import Path

import pytest
from support.page_blocks import blocks, commands_folder

PAGE = "docs/recipes/systemd.md"
(UNIT,) = blocks(PAGE, "ini")
# What systemd-analyze rates from 0 (confined) to 100 (exposed).
MAX_EXPOSURE = 40


@pytest.fixture(scope="module")
def service() -> dict[str, str]:
    parser = RawConfigParser(strict=False)
    parser.optionxform = str  # type: ignore[assignment,method-assign]
    parser.read_string(UNIT)
    return dict(parser["Service"])


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


def test_jobs_can_still_be_put_into_their_sandbox(service: dict[str, str]) -> None:
    assert service["NoNewPrivileges"] == "yes"
    assert service["ProtectSystem"] == "strict"
    assert set(service["RestrictNamespaces"].split()) == {"user", "net"}
    assert service["OOMPolicy"] == "continue"


@pytest.mark.skipif(shutil.which("systemd-analyze") is None, reason="systemd is not installed")
@pytest.mark.parametrize(
    "check",
    [["verify", "--man=no"], ["security", "--offline=true", f"--threshold={MAX_EXPOSURE}"]],
    ids=lambda check: check[0],
)
def test_systemd_accepts_it(check: list[str], tmp_path: Path) -> None:
    unit = tmp_path / "qai-hub.service"
    # The command has to exist.
    unit.write_text(UNIT.replace("/opt/qai-hub/bin/qai-hub", sys.executable))
    done = subprocess.run(
        ["systemd-analyze", *check, str(unit)], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr
    # A directive that is not known is warned of alone.
    assert str(unit) not in done.stderr
