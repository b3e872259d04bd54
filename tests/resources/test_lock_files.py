"""Files of locks: what is written is read again, and anything else is refused with its place."""

import json
import math
import string
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

import qai_hub as hub
from qai_hub.client import Device, JobLock, LockedFile, LockedJob

TMP = settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=25)

texts = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"), max_size=12)
ids = st.text(string.ascii_lowercase + string.digits, min_size=2, max_size=8).map("j".__add__)
digests = st.text("0123456789abcdef", min_size=64, max_size=64)
sizes = st.integers(0, 2**62)
files = st.builds(
    LockedFile,
    id=ids,
    name=texts,
    format=texts,
    size=st.none() | sizes,
    sha256=st.none() | digests,
    content_sha256=st.none() | digests,
)
device = st.builds(Device, texts.filter(bool), texts, st.lists(texts, max_size=2))
devices = st.lists(device, min_size=1, max_size=2).map(tuple)
specs = st.dictionaries(
    texts,
    st.tuples(st.lists(st.integers(0, 99), max_size=4).map(tuple), st.just("float32")),
    max_size=3,
)
numbers = st.dictionaries(texts, st.floats(allow_nan=False, allow_infinity=False), max_size=3)
common: dict[str, st.SearchStrategy[Any]] = {
    "name": texts,
    "options": texts,
    "tools": st.dictionaries(texts, texts, max_size=3),
    "outputs": st.dictionaries(st.sampled_from(["target_model", "output_data"]), files),
    "numbers": numbers,
    "gaps": st.lists(texts, max_size=2).map(tuple),
}


@st.composite
def locks(draw: st.DrawFn) -> JobLock:
    """Jobs that make models from files and from each other, and one that runs the last one."""
    jobs: list[LockedJob] = []
    makers: list[str] = []
    for job_id in draw(st.lists(ids, min_size=1, max_size=4, unique=True)):
        kind = draw(st.sampled_from(["compile", "quantize", "link", "inference"]))
        model = files
        if makers:
            model |= st.sampled_from(makers).map(lambda maker: LockedFile(job=maker))
        more: dict[str, Any] = {name: draw(each) for name, each in common.items()}
        more["models"] = tuple(
            draw(st.lists(model, min_size=1, max_size=3 if kind == "link" else 1))
        )
        if kind == "quantize":
            more |= {"weights_dtype": "INT4", "activations_dtype": "INT16", "data": draw(files)}
        else:
            more |= {"devices": draw(devices), "data": draw(st.none() | files)}
        if kind == "compile":
            more["input_specs"] = draw(specs)
        more["profiling"] = kind == "inference" and (more["data"] is None or draw(st.booleans()))
        jobs.append(LockedJob(id=job_id, type=kind, **more))
        if kind != "inference":
            makers.append(job_id)
    return JobLock(tuple(jobs))


@TMP
@given(locks())
def test_what_is_written_is_read_again(tmp_path: Path, lock: JobLock) -> None:
    path = tmp_path / "hub.lock"
    lock.save(path)

    read = JobLock.load(path)

    assert read == lock
    assert read.to_json() == lock.to_json() == path.read_text("utf-8")
    assert [each.name for each in tmp_path.iterdir()] == ["hub.lock"]


values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner),
    max_leaves=5,
)


@TMP
@given(locks(), st.data())
def test_one_wrong_value_never_makes_another_error(
    tmp_path: Path, lock: JobLock, data: st.DataObject
) -> None:
    document = json.loads(lock.to_json())
    place: Any = document
    while True:
        keys = list(place) if isinstance(place, dict) else list(range(len(place)))
        key = data.draw(st.sampled_from(keys))
        if not isinstance(place[key], dict | list) or not place[key] or data.draw(st.booleans()):
            break
        place = place[key]
    place[key] = data.draw(values)
    path = tmp_path / "hub.lock"
    path.write_text(json.dumps(document))

    try:
        read = JobLock.load(path)
    except hub.UserError as error:
        assert str(error).startswith(f"{path} is not a lock of jobs: ")
    else:
        assert json.loads(read.to_json())["jobs"]


@TMP
@given(st.binary(max_size=60))
def test_bytes_are_refused(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "hub.lock"
    path.write_bytes(content)
    with pytest.raises(hub.UserError, match="is not a lock of jobs: "):
        JobLock.load(path)


FILE = LockedFile(id="mabc", size=3, sha256="a" * 64)
JOB = LockedJob(id="jabc", type="compile", devices=(Device("phone"),), models=(FILE,))
LOCK = JobLock((JOB,))


def changed(**fields: Any) -> str:
    document = json.loads(LOCK.to_json())
    document["jobs"][0].update(fields)
    return json.dumps(document)


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("", "it is not JSON: "),
        ("[" * 100_000, "it is nested too deeply"),
        ("[]", 'it does not begin with "format": "qai-hub-lock"'),
        ('{"format": "qai-hub-lock", "version": 2}', "its version is 2, and this release reads"),
        ('{"format": "qai-hub-lock", "version": true}', "its version is true, and must be a whole"),
        ('{"format": "qai-hub-lock", "version": 1.0}', "its version is 1.0, and must be a whole"),
        ('{"format": "qai-hub-lock", "version": null}', "its version is null, and must be"),
        ('{"format": "qai-hub-lock", "version": {}}', "its version is an object, and must be"),
        ('{"format": "qai-hub-lock"}', "jobs: it has no version."),
        ('{"format": "qai-hub-lock", "version": 1}', "it has no jobs"),
        ('{"format": "qai-hub-lock", "version": 1, "jobs": {}}', "jobs: jobs must be a list of"),
        ('{"format": "x", "format": "y"}', 'it has "format" twice in one object'),
        (changed(numbers={"x": math.nan}), "it has NaN, which is no number in JSON"),
        (changed(numbers={"x": 10**400}), "it has the number "),
        (json.dumps({**json.loads(LOCK.to_json()), "jobs": []}), "it has no jobs"),
        (changed(id="../x"), 'jobs: job 1, id is "../x", and must be an identifier'),
        (changed(token="t"), 'jobs: job 1 has "token", which no lock has'),
        (changed(type="train"), 'type is "train", and must be compile or quantize or link'),
        (changed(type="quantize"), "job 1 has no weights_dtype"),
        (changed(devices=[]), "job 1 has no devices"),
        (changed(devices=[{"name": ""}]), "job 1, devices, item 1, name is empty"),
        (changed(type="inference"), "job 1 neither profiles nor has data"),
        (changed(models=[]), "job 1 has 0 models"),
        (changed(models=[{"job": "jabc"}]), "job 1 takes the model of jabc, which is no earlier"),
        (changed(models=[{"job": "jabc", "size": 1}]), 'item 1 has "size", which no lock has'),
        (changed(models=[{"sha256": "A" * 64}]), "must be a SHA-256 in hex"),
        (changed(models=[{"size": -1}]), "size is -1, and must be a whole number"),
        (changed(options="\0"), "options has a sign that no text has"),
        (changed(input_specs={"x": {"shape": [1]}}), "has no dtype"),
        (LOCK.to_json().replace("phone", "\udcff"), "it is not UTF-8 text"),
    ],
)
def test_the_reason_names_the_place(tmp_path: Path, text: str, reason: str) -> None:
    path = tmp_path / "hub.lock"
    path.write_bytes(text.encode("utf-8", "surrogateescape"))
    with pytest.raises(hub.UserError) as caught:
        JobLock.load(path)
    assert reason in str(caught.value)


def differences(job: LockedJob, other: LockedJob) -> list[str]:
    return [str(each) for each in JobLock((job,)).compare(JobLock((other,)))]


TARGET = LockedFile(size=9, sha256="b" * 64, content_sha256="c" * 64)
MADE = replace(JOB, outputs={"target_model": TARGET}, tools={"QAIRT": "2.50"}, numbers={"n": 40.0})


@pytest.mark.parametrize(
    ("fields", "expected"),
    [
        ({"id": "jxyz", "name": "another", "gaps": ("what",)}, []),
        ({"models": (replace(FILE, id="mxyz", name="another"),)}, []),
        ({"outputs": {"target_model": replace(TARGET, sha256="d" * 64)}}, []),
        ({"numbers": {"n": 40.000001}}, []),
        ({"tools": {"QAIRT": "2.51"}}, ["jabc: tool QAIRT: 2.50 -> 2.51"]),
        ({"tools": {}}, ["jabc: tool QAIRT: 2.50 -> -"]),
        ({"options": "--x"}, ["jabc: setting options: - -> --x"]),
        (
            {"devices": (Device("phone", "14"),)},
            ["jabc: setting devices: phone -> phone, 14"],
        ),
        (
            {"models": (replace(FILE, sha256="b" * 64),)},
            [f"jabc: input model: {'a' * 16}, 3 bytes -> {'b' * 16}, 3 bytes"],
        ),
        # In the digits that nobody is shown, too.
        (
            {"models": (replace(FILE, sha256="a" * 63 + "b"),)},
            [f"jabc: input model: {'a' * 16}, 3 bytes -> {'a' * 16}, 3 bytes"],
        ),
        (
            {"models": (LockedFile(job="jxyz"),)},
            [f"jabc: input model: {'a' * 16}, 3 bytes -> made by jxyz"],
        ),
        ({"outputs": {}}, [f"jabc: output target_model: {'b' * 16}, 9 bytes -> -"]),
        (
            {"outputs": {"target_model": replace(TARGET, sha256="d" * 64, content_sha256=None)}},
            [f"jabc: output target_model: {'b' * 16}, 9 bytes -> {'d' * 16}, 9 bytes"],
        ),
        ({"numbers": {"n": 40.1}}, ["jabc: number n: 40 -> 40.1"]),
    ],
)
def test_what_differs_between_jobs(fields: dict[str, Any], expected: list[str]) -> None:
    assert differences(MADE, replace(MADE, **fields)) == expected


def test_what_is_not_known_is_never_the_same() -> None:
    unknown = replace(MADE, models=(LockedFile(id="mabc"),), outputs={"target_model": LockedFile()})
    assert differences(unknown, replace(unknown, id="jxyz")) == [
        "jabc: input model: not locked -> not locked",
        "jabc: output target_model: not locked -> not locked",
    ]


def test_jobs_are_compared_by_their_places() -> None:
    run = replace(JOB, id="jrun", type="inference", models=(LockedFile(job="jabc"),))
    other = replace(JOB, id="jxyz"), replace(run, models=(LockedFile(job="jxyz"),))
    lock = JobLock((JOB, run))

    assert lock.compare(JobLock(other)) == []
    assert [str(each) for each in lock.compare(LOCK)] == ["jrun: job inference: jrun -> -"]
    assert [str(each) for each in LOCK.compare(lock)] == ["jrun: job inference: - -> jrun"]
