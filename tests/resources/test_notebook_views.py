"""What notebooks and interpreters show: harmless, short, and without requests."""

from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from functools import partial
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from qai_hub_api import models as api
from support.html_tags import assert_harmless

import qai_hub as hub
from qai_hub.client import Client, ClientConfig
from qai_hub.resources.kinds import job_from_api, summary_from_api
from qai_hub.resources.resource_list import ResourceList

TOKEN = "t0ken-s3cret"
# Nothing listens there: a view that sends a request raises an error.
CLIENT = Client(ClientConfig(TOKEN, "http://127.0.0.1:9", "https://web.example.com"))
START = datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)
HOSTILE = "\"><script>alert(1)</script><img src=x onerror='alert(2)'>&lt;\x1b[2J\ud800\u202e"
LONG = HOSTILE * 2_000

KINDS: dict[str, dict[str, Any]] = {
    "compile_job": {},
    "quantize_job": {
        "weights_dtype": "QUANTIZE_DTYPE_INT8",
        "activations_dtype": "QUANTIZE_DTYPE_INT16",
    },
    "link_job": {},
    "inference_job": {"is_profiling_on": True},
    "train_job": {},
}


def at(seconds: float) -> str:
    return (START + timedelta(seconds=seconds)).isoformat()


def job(kind: str = "compile_job", text: str = "net", state: str = "FAILED") -> hub.Job:
    details = {
        f"{kind}_id": "jabc12345",
        "user_id": 1,
        "job_state": f"JOB_STATE_{state}",
        "name": text,
        "options": text,
        "creation_time": at(0),
        "queued_time": at(0.5),
        "start_time": at(3),
        "device": {"name": text, "os": text, "attributes": [text], "soc_description": text},
        "model": {"model_id": "mabc12345", "name": text},
        "models": {"models": [{"model_id": "mabc12345", "name": text}] * 2},
        "target_model": {"model_id": "mdef12345", "name": text, "producer_id": "jabc12345"},
        "calibration_dataset": {"dataset_id": "dabc12345", "name": text, "creation_time": at(0)},
        "dataset": {"dataset_id": "dabc12345", "name": text, "creation_time": at(0)},
        "user": {"email": text, "first_name": text, "last_name": text},
        "project_id": text,
        **KINDS[kind],
    }
    if state in {"FAILED", "DONE"}:
        details |= {"completion_time": at(3 + 125), "failure_reason": text}
    notice = {
        "severity": "NOTICE_SEVERITY_WARNING",
        "context": "NOTICE_CONTEXT_MODEL",
        "message": text,
    }
    payload = {
        kind: details,
        "failure_type": "JOB_FAILURE_TYPE_MODEL_INVALID",
        "notices": [notice] * 25,
    }
    return job_from_api(api.Job.from_dict(payload), CLIENT)


def test_a_job_shows_its_target_model_once_it_exists() -> None:
    assert "mdef12345" in job(state="DONE")._repr_html_()
    for state in ("FAILED", "OPTIMIZING_MODEL"):
        assert "mdef12345" not in job(state=state)._repr_html_()


def summary(text: str) -> hub.JobSummary:
    told = {
        "job_id": "jabc12345",
        "job_state": "JOB_STATE_FAILED",
        "name": text,
        "device_name": text,
        "creation_time": at(0),
        "queued_time": at(0.5),
        "start_time": at(3),
        "completion_time": at(9),
        "user": {"email": text, "first_name": text, "last_name": text},
        "execution_time": 98765,
        "is_profiling_on": True,
    }
    payload = api.JobSummary.from_dict({"inference_job_summary": told})
    return summary_from_api(payload, CLIENT)


def model(text: str) -> hub.Model:
    tensor = hub.TensorSpec(text, text, (1, 2))
    return hub.Model(
        CLIENT,
        "mabc12345",
        START.replace(tzinfo=None),
        hub.SourceModelType.ONNX,
        text,
        {hub.ModelMetadataKey.QNN_SDK_VERSION: text},
        b"in memory" * 10_000,
        False,
        None,
        {text: [tensor] * 50},
        {None: [tensor]},
        text,
    )


def model_check(text: str) -> hub.ModelCheck:
    nodes = tuple(hub.NodeCheck(text[:50], f"{text}{n}", text, "", text) for n in range(300))
    return hub.ModelCheck(
        *(False, text, text, text, text, 75, True, text, text, 10, {text: 17}, 9),
        *((text, text), (text,), nodes, (text,)),
    )


def layer_report(text: str) -> hub.LayerAccuracyReport:
    layers = tuple(hub.LayerAccuracy(text, text, text, 15.5, None) for _ in range(500))
    proposal = hub.MixedPrecisionProposal(
        tuple(hub.MixedPrecisionLayer(text, text, text, 3.0) for _ in range(500)), 1.0, 9.0, text
    )
    return hub.LayerAccuracyReport(layers, 4, layers[1], text, text, proposal)


def target_check(text: str) -> hub.TargetCheck:
    slices = tuple(hub.TargetCheckSlice(1, n, n + 1, 12.5, 1.0) for n in range(500))
    output = hub.TargetCheckOutput(text, True, None, 1.0, 2.0, 0.5, slices)
    return hub.TargetCheck("FAR", text, text, 4, 1.0, 30.0, (output,) * 30)


FAILED = hub.JobStatus.State.FAILED
MAKERS: dict[str, Callable[[str], Any]] = {
    **{kind: partial(job, kind) for kind in KINDS},
    "running": lambda text: job(text=text, state="OPTIMIZING_MODEL"),
    "summary": summary,
    "model": model,
    "dataset": lambda text: hub.Dataset(
        CLIENT,
        "dabc12345",
        START.replace(tzinfo=None),
        None,
        text,
        False,
        {text: [np.zeros(10**6)]},
    ),
    "device": lambda text: hub.Device(text, text, [text, "chipset:some", f"vendor:{text}"]),
    "project": lambda text: hub.Project(CLIENT, "pabc12345", text, text),
    "user": lambda text: hub.User(text, text, text),
    "status": lambda text: hub.JobStatus(FAILED, text),
    "notice": lambda text: hub.Notice(text, text, text),
    "framework": lambda text: hub.Framework(text, text, [text, text], text),
    "result": lambda text: hub.JobResult(hub.JobStatus(FAILED, text), text, text),
    "model check": model_check,
    "target check": target_check,
    "layer report": layer_report,
    "proposal": lambda text: hub.MixedPrecisionProposal((), 1.0, 9.0, text),
}
HAVE_IDENTIFIERS = {
    **dict.fromkeys([*KINDS, "running", "summary"], "jabc12345"),
    "model": "mabc12345",
    "dataset": "dabc12345",
    "project": "pabc12345",
}


@pytest.mark.parametrize("kind", MAKERS)
@settings(max_examples=12)
@given(text=st.one_of(st.text(), st.just(HOSTILE), st.just("javascript:alert(1)")))
def test_views_are_harmless_whatever_the_names(kind: str, text: str) -> None:
    thing = MAKERS[kind](text)
    assert_harmless(thing._repr_html_())
    assert repr(thing)
    assert str(thing) or text == ""


@pytest.mark.parametrize("kind", MAKERS)
def test_views_of_long_names_are_short(kind: str) -> None:
    thing = MAKERS[kind](LONG)
    page = thing._repr_html_()
    found = assert_harmless(page)
    assert "<script>" in found.text
    assert len(page) < 500_000
    # The fields of these are limited by the contract alone.
    if kind not in {"device", "user", "notice", "framework"}:
        assert len(repr(thing)) < 10_000
        assert "\x1b" not in repr(thing)


@pytest.mark.parametrize("kind", HAVE_IDENTIFIERS)
def test_views_have_identifiers_to_copy_names_and_no_token(kind: str) -> None:
    thing = MAKERS[kind]("some name")
    page = assert_harmless(thing._repr_html_())
    for text in (repr(thing), page.text):
        assert HAVE_IDENTIFIERS[kind] in text
        assert "some name" in text
        assert TOKEN not in text
        assert "in memory" not in text
    assert any("user-select:all" in style for style in page.attributes["style"])


def test_a_job_shows_its_state_reason_times_and_notices() -> None:
    page = assert_harmless(job("quantize_job", "too odd")._repr_html_())
    assert page.attributes["href"] == ["https://web.example.com/jobs/jabc12345/"]
    submitted = START.astimezone().strftime("%Y-%m-%d %H:%M:%S")
    expected = [
        *("Quantize job", "failed", "too odd", "weights INT8, activations INT16"),
        *(f"submitted{submitted}", "queued2.5 s", "ran2 min 5 s", "warning", "and 5 more notices"),
    ]
    assert [text for text in expected if text not in page.text] == []


def test_a_running_job_says_that_its_state_may_be_old() -> None:
    running = job(state="OPTIMIZING_MODEL")
    page = assert_harmless(running._repr_html_()).text
    assert "optimizing model when it was last fetched" in page
    assert f"since {(START + timedelta(seconds=3)).astimezone():%Y-%m-%d %H:%M:%S}" in page
    assert "status='OPTIMIZING_MODEL'" in repr(running)


def test_addresses_that_are_no_web_pages_are_no_links() -> None:
    for url in ("javascript:alert(1)", "file:///etc/passwd", "data:text/html,x"):
        shown = assert_harmless(replace(summary("n"), url=url)._repr_html_())
        assert "a" not in shown.tags
        assert "jabc12345" in shown.text


def test_times_that_no_calendar_has_are_shown() -> None:
    for year, month, day in ((9999, 12, 31), (1, 1, 1), (1970, 1, 1)):
        for zone in (None, UTC):
            odd = datetime(year, month, day, 23 if year == 9999 else 0, tzinfo=zone)
            told = replace(
                summary("n"), created_at=odd, queued_at=odd, started_at=odd, completed_at=odd
            )
            page = assert_harmless(told._repr_html_()).text
            assert ("9999" in page) == (year == 9999)
            assert "submitted" in page or year < 1971


def test_a_summary_is_one_line_without_a_time_that_may_be_of_a_simulation() -> None:
    assert repr(summary("net")) == (
        "InferenceJobSummary(job_id='jabc12345', name='net', device='net', profiling=True, "
        "status='FAILED')"
    )
    assert "98" not in repr(summary("net")) + summary("net")._repr_html_()


def test_a_phase_of_a_profile_is_one_line() -> None:
    phase = hub.ProfilePhase(time=5, all_times=tuple(range(10_000)))
    assert len(repr(phase)) < 200


@pytest.mark.parametrize(
    "kind", [kind for kind in MAKERS if hasattr(MAKERS[kind](""), "_html_row")]
)
def test_lists_are_tables_of_the_first_hundred(kind: str) -> None:
    items = ResourceList(MAKERS[kind](f"{n} {HOSTILE}") for n in range(105))
    page = assert_harmless(items._repr_html_() or "")
    assert page.tags.count("tr") == 1 + 100
    assert "and 5 more" in page.text
