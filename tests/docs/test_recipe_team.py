"""The files for a hub of several processes: they can be read, and fit together."""

from typing import Any

import pytest
import yaml
from support.page_blocks import blocks

PAGE = "docs/recipes/team-compose.md"


@pytest.fixture(scope="module")
def services() -> dict[str, dict[str, Any]]:
    (text,) = blocks(PAGE, "yaml")
    found: dict[str, dict[str, Any]] = yaml.safe_load(text)["services"]
    return found


def test_all_processes_share_a_database_and_a_folder(services: dict[str, dict[str, Any]]) -> None:
    hub = {name: each for name, each in services.items() if name != "database"}
    assert hub.keys() == {"web-1", "web-2", "worker-1", "worker-2"}
    assert len({each["environment"]["QAI_HUB_DATABASE"] for each in hub.values()}) == 1
    assert {tuple(each["volumes"]) for each in hub.values()} == {("data:/home/hub/.qai_hub",)}
    # Ports of web processes are open to this machine alone.
    ports = [port for each in services.values() for port in each.get("ports", ())]
    assert len(ports) == 2
    assert all(port.startswith("127.0.0.1:") for port in ports)


def test_who_answers_runs_no_jobs_and_the_others_may_end_theirs(
    services: dict[str, dict[str, Any]],
) -> None:
    for name in ("web-1", "web-2"):
        assert "--workers=0" in services[name]["command"]
    for name in ("worker-1", "worker-2"):
        (drain,) = [each for each in services[name]["command"] if each.startswith("--drain=")]
        grace = services[name]["stop_grace_period"]
        assert int(grace.removesuffix("s")) > int(drain.partition("=")[2])
