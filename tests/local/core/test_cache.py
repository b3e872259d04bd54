"""The cache: what was made once is given again, and nothing else ever is."""

import json
from collections.abc import Callable
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from support.scheduler_harness import SchedulerHarness

from qai_hub.local.core import kinds as states
from qai_hub.local.core.cache import Cache, cache_key
from qai_hub.local.core.executor import AttemptId, AttemptSpec
from qai_hub.local.engine.attempt import AttemptRequest, InputModel, TensorSpec
from qai_hub.local.engine.failures import FailureType
from qai_hub.local.engine.protocol import Soc
from qai_hub.local.store import Store
from qai_hub.local.store.people import share, unshare
from qai_hub.local.store.records import Job, User
from qai_hub.local.store.relations import get_job_result, get_uses
from qai_hub.local.store.rows import JOBS

SERVED = "Served from the cache"
CHIP = Soc(name="chip", soc_model=57, hexagon=75, fp16=True, weight_sharing=True)
MODEL = InputModel(path=Path("/m1"), model_type="MODEL_TYPE_ONNX")
REQUEST = AttemptRequest(
    kind="compile",
    inputs=(MODEL,),
    options="--target_runtime qnn_dlc --qnn_options a=b",
    input_specs=(TensorSpec(name="x", shape=(1, 3), dtype="float32"),),
    soc=CHIP,
)
QUANTIZE = replace(
    REQUEST, kind="quantize", dataset=Path("/d1"), weights_dtype="INT8", activations_dtype="INT8"
)
DIGESTS = {Path("/m1"): "aa", Path("/m2"): "bb", Path("/d1"): "dd", Path("/d2"): "ee"}
TOOLS = {"onnx": "1", "onnxruntime": "2", "torch": None}


def key_of(
    request: AttemptRequest = REQUEST,
    digests: dict[Path, str] | None = None,
    tools: dict[str, str | None] | None = None,
) -> str | None:
    named = {str(path): digest for path, digest in (digests or DIGESTS).items()}
    spec = AttemptSpec(
        id=AttemptId("j1", 1), request=request, digests=named, time_limit=1.0, memory_limit=None
    )
    return cache_key(spec, tools or TOOLS)


def test_where_files_lie_does_not_count_and_what_is_in_them_does() -> None:
    elsewhere = replace(REQUEST, inputs=(replace(MODEL, path=Path("/m9")),))
    assert key_of(elsewhere, {Path("/m9"): "aa"}) == key_of()
    assert key_of(elsewhere, {Path("/m9"): "ab"}) != key_of()


def test_each_parameter_makes_another_key() -> None:
    spec = REQUEST.input_specs[0]
    others = [
        REQUEST,
        QUANTIZE,
        replace(REQUEST, kind="link"),
        replace(REQUEST, inputs=(MODEL, MODEL)),
        replace(REQUEST, inputs=(replace(MODEL, path=Path("/m2")),)),
        replace(REQUEST, inputs=(replace(MODEL, model_type="MODEL_TYPE_TFLITE"),)),
        replace(REQUEST, inputs=(replace(MODEL, provenance={"sdk": "1"}),)),
        replace(REQUEST, inputs=(replace(MODEL, provenance={"sdk": "2"}),)),
        replace(REQUEST, inputs=(replace(MODEL, source=Path("/m2")),)),
        replace(REQUEST, inputs=(replace(MODEL, source=Path("/d1")),)),
        replace(REQUEST, options="--target_runtime qnn_dlc"),
        replace(REQUEST, options="--target_runtime qnn_dlc --qnn_options a='b '"),
        replace(REQUEST, input_specs=()),
        *(
            replace(REQUEST, input_specs=(each,))
            for each in (
                replace(spec, name="y"),
                replace(spec, shape=(3, 1)),
                replace(spec, dtype="int8"),
            )
        ),
        replace(REQUEST, soc=None),
        *(
            replace(REQUEST, soc=each)
            for each in (
                replace(CHIP, soc_model=69),
                replace(CHIP, hexagon=79),
                replace(CHIP, fp16=False),
                replace(CHIP, weight_sharing=False),
            )
        ),
        replace(QUANTIZE, dataset=Path("/d2")),
        replace(QUANTIZE, weights_dtype="INT4"),
        replace(QUANTIZE, activations_dtype="INT16"),
    ]
    keys = [key_of(other) for other in others]
    assert None not in keys
    assert len(set(keys)) == len(others)


def test_each_tool_and_its_absence_makes_another_key() -> None:
    others = [TOOLS, TOOLS | {"onnx": "2"}, TOOLS | {"onnx": None}, TOOLS | {"torch": "2"}]
    assert len({key_of(tools=tools) for tools in others}) == len(others)


def test_the_name_of_a_device_and_the_spelling_of_options_make_none() -> None:
    assert key_of(replace(REQUEST, soc=replace(CHIP, name="its twin"))) == key_of()
    spaced = "  --target_runtime   'qnn_dlc'\n--qnn_options a=b "
    assert key_of(replace(REQUEST, options=spaced)) == key_of()
    joined = "--target_runtime=qnn_dlc --qnn_options='a=b'"
    assert key_of(replace(REQUEST, options=joined)) == key_of()


def test_runs_and_options_that_cannot_be_read_are_not_cached() -> None:
    assert key_of(replace(REQUEST, kind="run", profile=True)) is None
    assert key_of(replace(REQUEST, options="--flag 'open")) is None


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
    max_leaves=5,
)
SPECS = st.builds(
    TensorSpec,
    name=st.text(),
    shape=st.lists(st.integers(), max_size=3).map(tuple),
    dtype=st.sampled_from(["float32", "int64"]),
)
MODELS = st.builds(
    InputModel,
    path=st.sampled_from([Path("/m1"), Path("/m2")]),
    model_type=st.sampled_from(["MODEL_TYPE_ONNX", "MODEL_TYPE_QNN_DLC"]),
    provenance=st.none() | st.dictionaries(st.text(), JSON, max_size=2),
    source=st.none() | st.just(Path("/d1")),
)
REQUESTS = st.builds(
    AttemptRequest,
    kind=st.sampled_from(["compile", "link"]),
    inputs=st.lists(MODELS, min_size=1, max_size=2).map(tuple),
    options=st.sampled_from(["", "--a", "--a b", "--ab"]),
    input_specs=st.lists(SPECS, max_size=2).map(tuple),
    soc=st.none() | st.just(CHIP),
)


@given(first=REQUESTS, second=REQUESTS)
def test_keys_are_equal_for_equal_requests_only(
    first: AttemptRequest, second: AttemptRequest
) -> None:
    def canonical(request: AttemptRequest) -> str:
        return json.dumps(asdict(request), sort_keys=True, default=str)

    assert (key_of(first) == key_of(second)) is (canonical(first) == canonical(second))
    assert key_of(first) == key_of(AttemptRequest.from_json(first.to_json()))


@pytest.fixture
def world(store: Store, tmp_path: Path, ada: User) -> SchedulerHarness:
    made = SchedulerHarness(store, tmp_path, ada)
    made.worker.extra_results |= {"provenance": {"sdk": "2"}, "metadata": {"QNN_SDK_VERSION": "2"}}
    made.worker.extra_files["source"] = b"hidden"
    return made


def ran(world: SchedulerHarness, *keys: str, cache: bool = True) -> list[Job]:
    """Run jobs to their end, one after the other."""
    with world.running(max_parallel=1, cache=cache):
        return [world.wait_until_finished(key) for key in keys]


def compiled(world: SchedulerHarness, model: str, *, cache: bool = True) -> tuple[Job, str]:
    """Compile a model on a hub that has just started; return the job and its target model."""
    key, target = world.compile(model)
    (job,) = ran(world, key, cache=cache)
    return job, target


def is_served(job: Job) -> bool:
    return any(SERVED in notice["message"] for notice in job.notices or ())


def file_of(world: SchedulerHarness, target: str) -> Path:
    return world.storage.file_path(world.get_model(target).file_id or "")


def test_a_hit_gives_all_that_the_first_job_has_made(world: SchedulerHarness) -> None:
    first, made = world.compile(world.model(b"same"), "--a")
    second, given = world.compile(world.model(b"same"), " --a ")
    third, _ = world.compile(world.model(b"same"), "--a ")
    jobs = ran(world, first, second, third)
    assert len(world.worker.requests) == 1
    assert [is_served(job) for job in jobs] == [False, True, True]
    assert jobs[2].notices == jobs[1].notices
    for job in jobs:
        assert (job.state, job.failure_type) == (states.DONE, FailureType.SUCCESS)
        assert job.created <= (job.started or "") <= (job.completed or "")
    assert [each["message"] for each in jobs[1].notices or ()][:-1] == ["hm"]
    old, new = asdict(world.get_model(made)), asdict(world.get_model(given))
    own = {"seq", "id", "producer_id", "producer_attempt", "name", "created"}
    assert {name: old[name] for name in old if name not in own} == {
        name: new[name] for name in new if name not in own
    }
    assert new["producer_attempt"] == 1
    assert file_of(world, given).samefile(file_of(world, made))
    with world.store.read() as db:
        assert get_job_result(db, second) == get_job_result(db, first)
    assert SERVED in world.read_log(second)
    assert first not in world.read_log(second)


@pytest.mark.parametrize("kind", ["quantize", "link"])
def test_other_jobs_that_make_models_are_served_too(world: SchedulerHarness, kind: str) -> None:
    roles: dict[str, Any] = {"dataset": [world.dataset()]} if kind == "quantize" else {}
    world.worker.extra_results["target_model_type"] = "MODEL_TYPE_ONNX"
    model = world.model()
    keys = [world.submit(kind, input=[model], target=[world.target()], **roles) for _ in range(2)]
    assert [is_served(job) for job in ran(world, *keys)] == [False, True]


def test_jobs_that_measure_always_run(world: SchedulerHarness) -> None:
    model = world.model()
    keys = [world.submit("profile", input=[model]) for _ in range(2)]
    world.worker.extra_files.clear()
    assert not any(map(is_served, ran(world, *keys)))
    assert len(world.worker.requests) == 2


def test_calibration_data_counts_by_its_content(world: SchedulerHarness) -> None:
    model = world.model()
    keys = [
        world.submit(
            "quantize", input=[model], target=[world.target()], dataset=[world.dataset(content)]
        )
        for content in (b"1", b"2", b"1")
    ]
    assert [is_served(job) for job in ran(world, *keys)] == [False, False, True]


def test_a_hub_that_starts_again_still_knows(world: SchedulerHarness) -> None:
    model = world.model()
    assert [is_served(compiled(world, model)[0]) for _ in range(3)] == [False, True, True]


def test_a_job_behind_a_served_one_runs_on_the_shared_file(world: SchedulerHarness) -> None:
    model = world.model()
    first, _ = world.compile(model)
    second, target = world.compile(model)
    world.worker.extra_results["target_model_type"] = "MODEL_TYPE_ONNX"
    behind = world.submit("profile", input=[target])
    with world.running(max_parallel=1, cache=True):
        world.wait_until_finished(second)
        world.worker.extra_files.clear()
        assert world.wait_until_finished(behind).state == states.DONE
    assert is_served(world.job(second))
    assert world.job(first).state == states.DONE


def flip(path: Path) -> None:
    path.write_bytes(b"?" + path.read_bytes()[1:])


@pytest.mark.parametrize("damage", [flip, Path.unlink])
@pytest.mark.parametrize("which", ["file_id", "source_id"])
def test_what_is_damaged_is_made_again(
    world: SchedulerHarness, damage: Callable[[Path], None], which: str
) -> None:
    model = world.model()
    _, made = compiled(world, model)
    damage(world.storage.file_path(getattr(world.get_model(made), which)))
    second, again = compiled(world, model)
    assert (second.state, is_served(second)) == (states.DONE, False)
    # What was made anew has taken the place of the first.
    third, given = compiled(world, model)
    assert is_served(third)
    assert file_of(world, given).samefile(file_of(world, again))


def test_failures_are_not_kept(world: SchedulerHarness) -> None:
    model = world.model()
    world.worker.failures[""] = "no"
    assert compiled(world, model)[0].state == states.FAILED
    world.worker.failures.clear()
    job, _ = compiled(world, model)
    assert (job.state, is_served(job)) == (states.DONE, False)


def test_without_a_cache_nothing_is_given_nor_kept(world: SchedulerHarness) -> None:
    model = world.model()
    served = [is_served(compiled(world, model, cache=cache)[0]) for cache in (False, True, False)]
    assert served == [False, False, False]


def test_a_fresh_job_makes_its_model_anew_and_serves_others(world: SchedulerHarness) -> None:
    model = world.model()
    compiled(world, model)
    key, target = world.compile(model)
    with world.store.write() as db:
        JOBS.update(db, key, fresh=True)

    (fresh,) = ran(world, key)

    assert not is_served(fresh)
    later, served = compiled(world, model)
    assert is_served(later)
    assert world.get_model(served).file_id == world.get_model(target).file_id


def test_identical_jobs_at_once_all_end(world: SchedulerHarness) -> None:
    model = world.model()
    keys = [world.compile(model)[0] for _ in range(8)]
    with world.running(max_parallel=4, cache=True):
        for key in keys:
            assert world.wait_until_finished(key).state == states.DONE
    assert 1 <= len(world.worker.requests) <= 4


def test_tools_of_another_version_make_it_again(
    world: SchedulerHarness, monkeypatch: pytest.MonkeyPatch
) -> None:
    model = world.model()
    compiled(world, model)
    with monkeypatch.context() as patch:
        patch.setattr("qai_hub.local.core.cache.__version__", "999")
        assert not is_served(compiled(world, model)[0])
    assert is_served(compiled(world, model)[0])


def test_other_code_of_the_engine_makes_it_again(
    world: SchedulerHarness, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def change(version: str, code: str) -> None:
        (tmp_path / code).mkdir(exist_ok=True)
        (tmp_path / code / "compile.py").write_text(code)
        monkeypatch.setattr("qai_hub.local.core.cache._ENGINE", tmp_path / code)
        monkeypatch.setattr("qai_hub.local.core.cache.__version__", version)

    model = world.model()
    change("1.0.dev0", "one")
    compiled(world, model)
    assert is_served(compiled(world, model)[0])
    change("1.0.dev0", "two")
    assert not is_served(compiled(world, model)[0])
    # A release is what it is.
    change("1.0", "one")
    compiled(world, model)
    change("1.0", "two")
    assert is_served(compiled(world, model)[0])


def test_the_tools_are_those_that_are_installed(world: SchedulerHarness) -> None:
    tools = Cache(world.store, world.storage)._tools
    assert {"onnx", "onnxruntime", "onnxruntime-qnn", "qai-hub-openapi", "Python"} <= tools.keys()
    assert tools["onnxruntime"]


def test_nobody_can_tell_that_others_have_made_the_same(
    world: SchedulerHarness, ada: User, bob: User
) -> None:
    first, _ = world.compile(world.model(b"same"))
    ran(world, first)
    world.owner = bob
    model = world.model(b"same")
    assert not is_served(compiled(world, model)[0])
    # Each has their own from now on.
    assert is_served(compiled(world, model)[0])
    world.owner = ada
    assert is_served(compiled(world, world.model(b"same"))[0])


def test_a_job_that_is_shared_serves_and_tells_nothing_of_itself(
    world: SchedulerHarness, bob: User
) -> None:
    first, made = world.compile(world.model(b"same"))
    with world.store.write() as db:
        JOBS.update(db, first, name="secret plan")
        share(db, first, [bob.email])
    ran(world, first)
    world.owner = bob
    second, given = world.compile(world.model(b"same"))
    (job,) = ran(world, second)
    assert is_served(job)
    with world.store.read() as db:
        mine = [asdict(job), asdict(world.get_model(given)), get_job_result(db, second)]
        uses = get_uses(db, [second])[second]
    text = json.dumps(mine) + world.read_log(second)
    for secret in (first, made, "secret plan", *uses_ids(world, first)):
        assert secret not in text
    assert made not in uses.models
    assert job.owner_id == bob.id == world.get_model(given).owner_id
    # What was given is theirs: it is given again after the share was taken back.
    with world.store.write() as db:
        unshare(db, first)
    assert is_served(compiled(world, world.model(b"same"))[0])


def test_taking_a_share_back_ends_what_it_serves(world: SchedulerHarness, bob: User) -> None:
    first, _ = world.compile(world.model(b"same"))
    ran(world, first)
    with world.store.write() as db:
        share(db, first, [bob.email])
        unshare(db, first)
    world.owner = bob
    assert not is_served(compiled(world, world.model(b"same"))[0])


def test_of_several_shared_jobs_one_that_is_whole_serves(
    world: SchedulerHarness, ada: User, bob: User, eve: User
) -> None:
    for owner in (ada, bob):
        world.owner = owner
        key, target = world.compile(world.model(b"same"))
        ran(world, key)
        with world.store.write() as db:
            share(db, key, [eve.email])
        if owner is ada:
            flip(file_of(world, target))
    world.owner = eve
    assert is_served(compiled(world, world.model(b"same"))[0])


def uses_ids(world: SchedulerHarness, job: str) -> list[str]:
    with world.store.read() as db:
        return get_uses(db, [job])[job].models


def test_a_hub_that_ends_while_it_serves_a_job_serves_it_later(
    world: SchedulerHarness, monkeypatch: pytest.MonkeyPatch
) -> None:
    model = world.model()
    compiled(world, model)

    def die(*_: Any) -> None:
        raise OSError("the disk is gone")

    key, target = world.compile(model)
    with monkeypatch.context() as patch:
        patch.setattr("qai_hub.local.core.results.ResultStore.save_log", die)
        with world.running(cache=True):
            world.wait_until(lambda: world.job(key).state in states.RUNNING_STATES)
    assert world.get_model(target).file_id is None
    (job,) = ran(world, key)
    assert (job.state, job.attempt, is_served(job)) == (states.DONE, 2, True)
