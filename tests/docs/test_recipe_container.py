"""The file of the container: what it copies is there, and what the image starts works."""

import json
import os
import re
import subprocess
import sys
import time
from pathlib import Path

from support.page_blocks import ROOT, blocks, commands_folder

(DOCKERFILE,) = blocks("docs/recipes/container.md", "dockerfile")


def arguments_of(instruction: str) -> list[str]:
    """What follows each use of an instruction."""
    return re.findall(rf"^{instruction} (.*)$", DOCKERFILE, re.MULTILINE)


def test_what_it_copies_is_all_that_the_package_is_built_from() -> None:
    copied = {name for line in arguments_of("COPY") for name in line.split()[:-1]}
    assert all((ROOT / name).exists() for name in copied)
    assert {"pyproject.toml", "constraints.txt", "qai_hub", "generated"} <= copied
    # Files that the metadata names; another would end the build.
    project = (ROOT / "pyproject.toml").read_text("utf-8")
    named = re.findall(r'"?(README\.md|LICENSE)"?', project)
    assert set(named) <= copied


def test_versions_are_pinned_and_nobody_is_root() -> None:
    (install,) = [line for line in arguments_of("RUN") if line.startswith("pip ")]
    assert "-c constraints.txt" in install
    assert arguments_of("USER") == ["hub"]
    assert DOCKERFILE.index("\nUSER ") < DOCKERFILE.index("\nENTRYPOINT ")


def test_its_health_check_tells_whether_its_entry_point_serves(tmp_path: Path) -> None:
    (entry,) = arguments_of("ENTRYPOINT")
    (check,) = [line.split("CMD ")[1] for line in arguments_of("HEALTHCHECK")]
    path = commands_folder(tmp_path / "bin", sys.executable)
    environment = {"HOME": str(tmp_path), "PATH": f"{path}:{os.defpath}"}
    environment["QAI_HUB_LOCAL_USERS"] = "you@example.com colleague@example.com"

    def is_healthy() -> bool:
        done = subprocess.run(
            [str(path / json.loads(check)[0]), *json.loads(check)[1:]],
            env=environment,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            check=False,
        )
        assert done.returncode in {0, 1}
        return done.returncode == 0

    assert not is_healthy()
    with subprocess.Popen(
        # In a container, the usual port is free.
        [str(path / json.loads(entry)[0]), *json.loads(entry)[1:], "--port", "0"],
        env=environment,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    ) as hub:
        deadline = time.monotonic() + 60
        while not is_healthy():
            assert hub.poll() is None
            assert time.monotonic() < deadline
        hub.terminate()
        assert hub.wait(20) == 0
    (volume,) = arguments_of("VOLUME")
    # All that has to outlive the container is on its volume.
    assert {entry.name for entry in tmp_path.iterdir()} == {"bin", Path(volume).name}
