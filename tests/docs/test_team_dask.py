"""The templates of the page on Dask: the job script, and the file for Kubernetes."""

import re
import shlex
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import dask
import pytest
import yaml
from distributed import Security
from distributed.cli import dask_scheduler, dask_worker
from support.page_blocks import blocks

from qai_hub.local.config import HubConfig
from qai_hub.local.executor_address import parse_executor

PAGE = "docs/team-dask.md"
COMMANDS = {"scheduler": dask_scheduler.main, "worker": dask_worker.main}
FAILURES = "DASK_DISTRIBUTED__SCHEDULER__ALLOWED_FAILURES"


def parse_command(words: list[str]) -> dict[str, Any]:
    """Parse a command of Dask as it does; fails for options that it does not have."""
    assert words[0] == "dask"
    return COMMANDS[words[1]].make_context(words[1], words[2:]).params


@pytest.fixture(scope="module")
def manifests() -> dict[tuple[str, str], dict[str, Any]]:
    (text,) = blocks(PAGE, "yaml")
    return {(each["kind"], each["metadata"]["name"]): each for each in yaml.safe_load_all(text)}


@pytest.fixture(scope="module")
def containers(manifests: dict[tuple[str, str], dict[str, Any]]) -> dict[str, dict[str, Any]]:
    found = {}
    for (kind, name), manifest in manifests.items():
        if kind == "Deployment":
            (found[name],) = manifest["spec"]["template"]["spec"]["containers"]
    return found


def shell_commands() -> Iterator[list[str]]:
    for block in blocks(PAGE, "sh"):
        for line in block.splitlines():
            words = shlex.split(line, comments=True)
            if words[0] == "dask":
                yield words


def test_the_commands_are_ones_that_dask_takes() -> None:
    scheduler, worker = map(parse_command, shell_commands())
    assert f"tcp://{scheduler['host']}:{scheduler['port']}" == worker["scheduler"]
    assert (worker["nthreads"], worker["memory_limit"]) == (8, "0")


def test_the_containers_run_commands_that_dask_takes(
    containers: dict[str, dict[str, Any]],
) -> None:
    scheduler, worker = (
        parse_command([*containers[f"dask-{role}"]["command"], *containers[f"dask-{role}"]["args"]])
        for role in ("scheduler", "worker")
    )
    assert worker["scheduler"] == f"tcp://dask-scheduler:{scheduler['port']}"
    assert worker["resources"] == f"qnn={worker['nthreads']}"
    assert containers["dask-scheduler"]["env"] == [{"name": FAILURES, "value": "0"}]


def test_what_the_manifests_refer_to_exists(
    manifests: dict[tuple[str, str], dict[str, Any]], containers: dict[str, dict[str, Any]]
) -> None:
    for (kind, name), manifest in manifests.items():
        spec = manifest["spec"]
        if kind == "Deployment":
            labels = spec["template"]["metadata"]["labels"]
            assert spec["selector"]["matchLabels"] == labels == {"app": name}
            volumes = {each["name"] for each in spec["template"]["spec"].get("volumes", ())}
            mounts = {each["name"] for each in containers[name].get("volumeMounts", ())}
            assert volumes == mounts
            limits = containers[name].get("resources", {"requests": {}, "limits": {}})
            assert limits["limits"].items() <= limits["requests"].items()
    service = manifests["Service", "dask-scheduler"]["spec"]
    assert ("Deployment", service["selector"]["app"]) in manifests
    (port,) = service["ports"]
    assert [{"containerPort": port["targetPort"]}] == containers["dask-scheduler"]["ports"]
    (expression,) = manifests["NetworkPolicy", "dask"]["spec"]["podSelector"]["matchExpressions"]
    assert {*expression["values"]} == {name for kind, name in manifests if kind == "Deployment"}


def test_the_addresses_are_ones_that_a_hub_takes() -> None:
    text = Path(__file__).parents[2].joinpath(PAGE).read_text("utf-8")
    addresses = re.findall(r"dask:t[^\"`]+", text)
    assert len(addresses) >= 4
    for address in addresses:
        assert parse_executor(HubConfig(executor=address, data_dir=Path("data")).executor)


def test_the_job_script_starts_a_worker_that_retires_in_time(
    capsys: pytest.CaptureFixture[str],
) -> None:
    (code,) = (block for block in blocks(PAGE, "python") if "SLURMCluster(" in block)
    names: dict[str, Any] = {}
    exec(compile(code.replace("8786", "0"), PAGE, "exec"), names)
    names["cluster"].close()
    script = capsys.readouterr().out
    *lines, prologue, command = script.strip().splitlines()
    assert lines[0].startswith("#!")
    assert {"#SBATCH -p cpu", "#SBATCH --cpus-per-task=8", "#SBATCH -t 08:00:00"} < {*lines}
    assert prologue == "source /srv/hub-env/bin/activate"
    python, *words = shlex.split(command)
    assert (python, words[:2]) == ("python", ["-m", "distributed.cli.dask_worker"])
    worker = parse_command(["dask", "worker", *words[2:]])
    assert worker["scheduler"].startswith("tcp://127.0.0.1:")
    assert (worker["nthreads"], worker["resources"], worker["nanny"]) == (8, "qnn=8", False)
    assert (worker["lifetime"], worker["lifetime_stagger"]) == ("7h", "30m")


def test_the_settings_of_tls_are_ones_that_dask_has() -> None:
    (block,) = (each for each in blocks(PAGE, "sh") if "TLS__CA_FILE" in each)
    given = dict(line.removeprefix("export ").split("=") for line in block.splitlines())
    with dask.config.set(dask.config.merge(dask.config.config, dask.config.collect_env(given))):
        security = Security()
    assert security.require_encryption is True
    for role in ("scheduler", "worker", "client"):
        config = security.get_tls_config_for_role(role)
        assert config["ca_file"] == "/etc/dask/ca.pem"
        assert (config["cert"], config["key"]) == ("/etc/dask/cert.pem", "/etc/dask/key.pem")
