"""Jobs that name the version of QAIRT that they are to run with."""

import re
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from onnx import helper
from support.execution_models import FLOAT, build_model, conv_net, samples
from support.qnn import (
    BINARY,
    DLC,
    GEN_3,
    PRECOMPILED,
    RUNTIMES,
    agreement,
    compiled,
    on_cpu,
    other_notices,
    refused,
    simulated,
    target_of,
)
from support.real_engines import use_engine
from support.tiny_engines import TinyEngines, listed, tiny_engines

import qai_hub as hub
from qai_hub.client import Client, Job, Model, ModelMetadataKey
from qai_hub.local import LocalHub
from qai_hub.local.engines.catalog import Engine
from qai_hub.local.engines.install import install
from qai_hub.local.engines.places import FOLDER_VARIABLE

pytestmark = pytest.mark.small_hub("processes of a team look for engines when they start")

OLD = "--qairt_version 2.50"
UNCHECKED = "--skip_target_check"
X = {"x": samples(1, 1, 3, 16, 16)}
FULL = "2.50.40"


@pytest.fixture(scope="module")
def old_qairt() -> Iterator[None]:
    with pytest.MonkeyPatch.context() as patch:
        use_engine("qnn-2.50", patch)
        yield


@pytest.fixture(scope="module")
def own(client: Client) -> Model:
    """A model that the hub's own version has made."""
    return target_of(compiled(client, conv_net(), BINARY, more=UNCHECKED))


@pytest.fixture(scope="module")
def old(client: Client, old_qairt: None) -> dict[str, Model]:
    """The models that the older version has made."""
    return {
        runtime: target_of(compiled(client, conv_net(), runtime, more=f"{OLD} {UNCHECKED}"))
        for runtime in RUNTIMES
    }


def version_of(job: Job) -> str:
    return job.get_tool_versions()["QAIRT"]


def profiled(client: Client, model: Model, options: str) -> str:
    """The version that a model ran with."""
    job = client.submit_inference_job(
        model, GEN_3, X, options=f"{options} --max_profiler_iterations 1"
    )
    assert job.wait(60).success, job.get_status().message
    return version_of(job)


def failure_of(client: Client, model: Model, options: str) -> str:
    job = client.submit_inference_job(model, GEN_3, X, options=options, profile=False)
    assert job.wait(60).failure
    return job.get_status().message or ""


@pytest.mark.parametrize("version", ["2.50", FULL, f"v{FULL}.260101-auto"])
def test_a_version_is_named_in_short_or_in_full(
    client: Client, old_qairt: None, version: str
) -> None:
    more = f"--qairt_version {version}"

    job = compiled(client, conv_net(), BINARY, more=more)

    assert version_of(job) == FULL
    assert target_of(job).metadata[ModelMetadataKey.QAIRT_SDK_VERSION] == FULL
    assert other_notices(job) == []


@pytest.mark.parametrize("tag", ["default", "latest"])
def test_the_tags_are_of_the_version_of_the_hub(client: Client, tag: str) -> None:
    named = [f for f in client.get_frameworks() if f.name == "QAIRT" and tag in f.api_tags]

    job = compiled(client, conv_net(), BINARY, more=f"--qairt_version {tag} {UNCHECKED}")

    assert [each.full_version for each in named] == [version_of(job)]
    assert other_notices(job) == []


@pytest.mark.parametrize("options", [OLD, ""])
def test_networks_that_weigh_their_channels_are_close(
    client: Client, old_qairt: None, options: str
) -> None:
    random = np.random.default_rng(3)
    sizes = {"first": (32, 32, 3, 3), "shrink": (8, 32, 1, 1), "widen": (32, 8, 1, 1)}
    weights = {
        name: random.standard_normal(size).astype(np.float32)
        * np.float32(2 / np.prod(size[1:]) ** 0.5)
        for name, size in sizes.items()
    }
    nodes = [
        helper.make_node("Conv", ["x", "first"], ["c"], pads=[1] * 4),
        helper.make_node("Relu", ["c"], ["r"]),
        helper.make_node("ReduceMean", ["r"], ["mean"], axes=[2, 3]),
        helper.make_node("Conv", ["mean", "shrink"], ["few"]),
        helper.make_node("Relu", ["few"], ["positive"]),
        helper.make_node("Conv", ["positive", "widen", "bias"], ["many"]),
        helper.make_node("Sigmoid", ["many"], ["gate"]),
        helper.make_node("Mul", ["r", "gate"], ["y"]),
    ]
    weights["bias"] = np.linspace(-0.2, 0.2, 32, dtype=np.float32)
    shape = [1, 32, 16, 16]
    image = random.standard_normal(shape).astype(np.float32)
    model = build_model(nodes, {"x": (FLOAT, shape)}, {"y": (FLOAT, shape)}, weights)
    job = compiled(client, model, BINARY, more=f"{options} {UNCHECKED}")

    _, found = simulated(client, target_of(job), {"x": [image]})

    assert agreement(on_cpu(model.SerializeToString(), {"x": [image]}), found)["y"] > 65


def test_the_versions_of_engines_are_listed(client: Client, old_qairt: None) -> None:
    found = [(f.api_version, f.full_version, list(f.api_tags)) for f in client.get_frameworks()]
    assert ("2.50", FULL, []) in found


@pytest.mark.parametrize("options", [OLD, ""])
@pytest.mark.parametrize("runtime", RUNTIMES)
def test_a_model_runs_with_the_version_that_made_it_and_with_a_later_one(
    client: Client, old: dict[str, Model], runtime: str, options: str
) -> None:
    assert (profiled(client, old[runtime], options) == FULL) == (options == OLD)


def test_a_model_does_not_run_with_an_earlier_version(
    client: Client, own: Model, old_qairt: None
) -> None:
    reason = failure_of(client, own, OLD)
    made_with = own.metadata[ModelMetadataKey.QAIRT_SDK_VERSION]
    assert f"was made with QAIRT {made_with}, and QAIRT {FULL} cannot read it" in reason


def test_models_are_linked_with_a_version(client: Client, old: dict[str, Model]) -> None:
    job = client.submit_link_job([old[DLC]], GEN_3, options=f"{OLD} {UNCHECKED}")
    assert job.wait(60).success, job.get_status().message
    assert version_of(job) == FULL


def test_an_uploaded_model_that_only_its_file_tells_to_be_for_qnn(
    client: Client, old: dict[str, Model], tmp_path: Path
) -> None:
    again = client.upload_model(old[PRECOMPILED].download(str(tmp_path / "model")))

    assert profiled(client, again, OLD) == FULL


def test_a_check_without_a_hub_is_by_the_version_as_well(old_qairt: None) -> None:
    check = hub.check_model(conv_net(), GEN_3, options=f"--target_runtime {BINARY} {OLD}")
    assert check.ok, check.refusal
    # With another version than that, it would say so.
    assert check.notices == ()


@pytest.fixture
def no_engines(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(FOLDER_VARIABLE, str(tmp_path / "engines"))


@pytest.mark.parametrize(
    ("version", "lack"),
    [
        ("2.31", "this hub cannot have 2.31. Beside its own, it can have 2.47, 2.48, 2.49, 2.50."),
        ("2.49", "2.49 needs `qai-hub engine install qnn-2.49`, where the hub runs."),
    ],
)
def test_the_nearest_version_is_used_with_a_notice(
    client: Client, no_engines: None, version: str, lack: str
) -> None:
    job = compiled(client, conv_net(), BINARY, more=f"--qairt_version {version} {UNCHECKED}")

    used = version_of(job)
    expected = f"QAIRT {used} was used, the nearest to {version} that this hub has: {lack}"
    assert other_notices(job) == [expected]


def test_an_engine_may_be_the_nearest(client: Client, old_qairt: None) -> None:
    job = compiled(client, conv_net(), BINARY, more=f"--qairt_version 2.46 {UNCHECKED}")

    assert version_of(job) == FULL
    told = other_notices(job)[0]
    assert told.startswith(f"QAIRT {FULL} was used, the nearest to 2.46 that this hub has:")


@pytest.fixture(scope="module")
def strict_client() -> Iterator[Client]:
    with LocalHub(strict_versions=True, validate_responses=True) as local_hub:
        yield local_hub.client()


def test_a_strict_hub_refuses_what_it_does_not_have(
    strict_client: Client, no_engines: None
) -> None:
    failure, reason = refused(strict_client, conv_net(), f"{BINARY} --qairt_version 2.31")
    assert failure == "UNSUPPORTED"
    assert reason.startswith("This hub is strict about versions, and has QAIRT 2.")
    assert "this hub cannot have 2.31." in reason

    failure, reason = refused(strict_client, conv_net(), f"{BINARY} --qairt_version 2.51-rc1")
    assert failure == "UNSUPPORTED"
    assert "this hub cannot have 2.51-rc1." in reason

    failure, reason = refused(strict_client, conv_net(), f"{BINARY} --qairt_version 2.49")
    assert failure == "UNSUPPORTED"
    assert "run `qai-hub engine install qnn-2.49` where the hub runs" in reason


def test_a_strict_hub_lists_all_that_it_has(strict_client: Client, tiny: Engine) -> None:
    install(tiny, print)
    _, reason = refused(strict_client, conv_net(), f"{BINARY} --qairt_version 2.31")
    assert re.search(rf"has QAIRT 2\.\d+\.\d+ and {FULL}: this hub cannot have 2\.31\.", reason)


def test_other_runtimes_need_no_engine(client: Client) -> None:
    """None is installed here."""
    job = compiled(client, conv_net(), "onnx", more=OLD)
    assert other_notices(job) == [
        "The option --qairt_version was ignored: the job does not use QAIRT."
    ]
    _, outputs = simulated(client, target_of(job), X, options=OLD)
    assert len(outputs["y"]) == 1


def test_what_is_no_version_is_refused(client: Client) -> None:
    _, reason = refused(client, conv_net(), f"{BINARY} --qairt_version newest")
    assert "cannot be 'newest': that is neither a version, such as 2.50, nor a tag." in reason


@pytest.fixture
def tiny(tmp_path: Path) -> Iterator[Engine]:
    """An engine in the place of one in the table, whose provider tells that it was imported."""
    code = (
        "from qai_hub.local.engine.failures import FailureType, JobFailure\n"
        "def get_library_path():\n"
        "    raise JobFailure(FailureType.UNSUPPORTED, 'the provider of the engine')\n"
    )
    with tiny_engines(tmp_path) as engines:
        made: TinyEngines = engines
        engine = made.make({"onnxruntime_qnn": code}, name="qnn-2.50")
        with listed(replace(engine, qairt_sdk=FULL)):
            yield engine


def test_a_job_has_its_engine_as_soon_as_that_is_installed(client: Client, tiny: Engine) -> None:
    # As no other test has compiled it.
    runtime = f"{BINARY} --qnn_options context_enable_graphs=tiny"
    model = client.upload_model(conv_net())
    job = compiled(client, model, runtime, more=f"{OLD} {UNCHECKED}")
    (told,) = other_notices(job)
    assert "the nearest to 2.50 that this hub has: 2.50 needs `qai-hub engine install" in told
    check = hub.check_model(conv_net(), GEN_3, options=f"--target_runtime {runtime} {OLD}")
    assert told in check.notices

    install(tiny, lambda _: None)

    assert refused(client, model, f"{runtime} {OLD}")[1] == "the provider of the engine"
    # The last value counts.
    assert compiled(client, model, runtime, more=f"{OLD} --qairt_version latest {UNCHECKED}")
