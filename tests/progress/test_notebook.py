"""What a cell of a notebook shows: one element for each submission, wait and transfer."""

import io
import re
from collections.abc import Iterator
from contextlib import redirect_stderr

import pytest
from support.fake_kernel import fake_kernel
from support.job_hub import DONE, FAILED, RUNNING, JobHub, compile_job
from support.scripted_server import Reply, Request, Step, json_reply

import qai_hub as hub
from qai_hub.progress.transfers import show_transfer


@pytest.fixture
def world() -> Iterator[JobHub]:
    with JobHub(DONE) as made:
        yield made


def test_a_wait_is_one_element_that_keeps_its_last_state(world: JobHub) -> None:
    job = world.client(verbose=True).get_job("ja")
    notice = {"severity": "WARNING", "context": "MODEL", "message": "far & wide"}
    answers: Iterator[Step] = iter([json_reply(compile_job("ja", RUNNING))])
    failed = json_reply(compile_job("ja", FAILED) | {"notices": [notice]})
    late = Reply(failed.status, failed.body, failed.headers, delay=1.2)
    world.override = lambda _: next(answers, late)
    with fake_kernel() as elements:
        job.wait()
        job.wait()
    (element,) = elements
    # The times moved during the request, too.
    assert len({html for html in element.html if "OPTIMIZING_MODEL" in html}) >= 2
    last = element.html[-1]
    assert "❌ FAILED" in last
    assert "no reason<br><b>WARNING</b> far &amp; wide" in last
    assert f'href="{job.url}"' in last
    assert element.text[-1] == 'compile job ja "net": FAILED'


def test_many_jobs_are_summed_up(world: JobHub) -> None:
    client = world.client(verbose=True)
    jobs = [client.get_job(f"j{number:02d}") for number in range(33)]

    def answer(request: Request) -> Step | None:
        return json_reply(compile_job("j07", FAILED)) if "j07" in request.path else None

    world.override = answer
    with fake_kernel() as elements:
        hub.wait_all(jobs)
    (element,) = elements
    # Once a second, and not for each job.
    assert len(element.html) < 10
    last = element.html[-1]
    assert last.index("FAILED") < last.index("SUCCESS")
    assert "and 3 more" in last
    assert "33 of 33 jobs ended, 1 failed" in re.sub(r"<.*?>", "", last)


def test_a_transfer_is_one_element() -> None:
    with fake_kernel() as elements:
        with show_transfer("upload", "a<b>.onnx", 2_000_000, show=True) as moved:
            moved(2_000_000)
        with show_transfer("upload", "small.onnx", 10, show=True) as moved:
            moved(10)
    (element,) = elements
    assert element.html[-1].startswith("Uploaded a&lt;b&gt;.onnx: 2.0 MB in 0:00")


def test_a_redirected_stream_gets_lines(world: JobHub) -> None:
    log = io.StringIO()
    with fake_kernel() as elements, redirect_stderr(log):
        world.client(verbose=True).get_job("ja").wait()
    assert elements == []
    assert log.getvalue() == 'Compile job ja "net": SUCCESS\n'
