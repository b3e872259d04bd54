"""What a pipe, a log file and GitHub Actions get: plain lines, and commands for its runner."""

import io
import logging
import re
from collections.abc import Iterator
from contextlib import redirect_stderr
from html.parser import HTMLParser
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from support.fake_kernel import fake_kernel
from support.job_hub import DONE, FAILED, RUNNING, JobHub, compile_job
from support.scripted_server import Request, Step, json_reply

import qai_hub as hub
from qai_hub.progress.clock import Clock
from qai_hub.progress.display import Display, open_display
from qai_hub.progress.notebook import NotebookDisplay
from qai_hub.progress.plain import PlainDisplay
from qai_hub.progress.terminal import TerminalDisplay
from qai_hub.progress.views import JobView, NoticeView, Transfer

WARNING = {"severity": "WARNING", "context": "MODEL", "message": "100%, far: from\nthe model"}
INFO = {"severity": "INFO", "context": "USER", "message": "measured on the CPU"}
TIMES = {"start_time": "2026-01-02T03:04:08Z", "completion_time": "2026-01-02T03:05:09Z"}


@pytest.fixture(autouse=True)
def _environment(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("FORCE_COLOR", "GITHUB_ACTIONS", "QAI_HUB_PROGRESS"):
        monkeypatch.delenv(name, raising=False)


@pytest.fixture
def world() -> Iterator[JobHub]:
    with JobHub(DONE) as made:
        yield made


def reply(request: Request, state: str, *notices: Any, **more: Any) -> Step:
    job_id = request.path.rstrip("/").rpartition("/")[2]
    return json_reply(compile_job(job_id, state, **more) | {"notices": list(notices)})


def test_a_line_for_each_state_and_the_end(world: JobHub, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("FORCE_COLOR", "1")
    job = world.client(verbose=True).get_job("ja")
    states = iter(["JOB_STATE_CREATED", RUNNING, RUNNING])
    world.override = lambda request: (
        reply(request, state)
        if (state := next(states, None))
        else reply(request, FAILED, WARNING, INFO, **TIMES)
    )
    log = io.StringIO()
    with redirect_stderr(log):
        job.wait()
        job.wait()
    assert log.getvalue().splitlines() == [
        'Compile job ja "net": CREATED',
        'Compile job ja "net": OPTIMIZING_MODEL',
        'Compile job ja "net": FAILED (queued 0:03, ran 1:01): no reason',
        "- WARNING: 100%, far: from the model",
        "- INFO: measured on the CPU",
    ]


def test_github_gets_a_group_and_annotations(
    world: JobHub, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("GITHUB_ACTIONS", "true")
    client = world.client(verbose=True)
    failing, passing = client.get_job("ja"), client.get_job("jb")
    world.override = lambda request: (
        reply(request, FAILED, name="a,b:c", failure_reason="5% off\r\nsee log")
        if "ja" in request.path
        else reply(request, DONE, WARNING, INFO)
    )
    log = io.StringIO()
    with redirect_stderr(log):
        hub.wait_all([failing, passing])
    lines = log.getvalue().splitlines()
    assert lines[0] == "::group::Waiting for 2 jobs"
    assert sorted(lines[1:4]) == [
        "- INFO: measured on the CPU",
        'Compile job ja "a,b:c": FAILED',
        'Compile job jb "net": SUCCESS',
    ]
    assert lines[4:6] == ["2 of 2 jobs ended, 1 failed", "::endgroup::"]
    assert sorted(lines[6:]) == [
        '::error title=compile job ja "a%2Cb%3Ac" failed::5%25 off%0Asee log',
        '::warning title=compile job jb "net"::100%25, far: from%0Athe model',
    ]


def test_jobs_that_are_not_verbose_are_left_out(world: JobHub) -> None:
    client = world.client(verbose=True)
    quiet, loud = client.get_job("ja"), client.get_job("jb")
    quiet.verbose = False
    log = io.StringIO()
    with redirect_stderr(log):
        hub.wait_all([quiet, loud])
    assert log.getvalue() == 'Compile job jb "net": SUCCESS\n'


@pytest.mark.parametrize(
    ("setting", "term", "is_terminal", "expected"),
    [
        ("", "xterm", True, TerminalDisplay),
        ("auto", "dumb", True, PlainDisplay),
        ("auto", "xterm", False, PlainDisplay),
        ("Plain", "xterm", True, PlainDisplay),
        ("rich", "xterm", False, TerminalDisplay),
        ("off", "xterm", True, type(None)),
    ],
)
def test_the_environment_chooses_the_form(
    setting: str, term: str, expected: type, monkeypatch: pytest.MonkeyPatch, *, is_terminal: bool
) -> None:
    stream = io.StringIO()
    monkeypatch.setattr(stream, "isatty", lambda: is_terminal)
    monkeypatch.setattr("sys.stderr", stream)
    monkeypatch.setenv("QAI_HUB_PROGRESS", setting)
    monkeypatch.setenv("TERM", term)
    assert type(open_display()) is expected


def test_an_unknown_form_is_warned_of_once(
    world: JobHub, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setenv("QAI_HUB_PROGRESS", "fancy")
    client, log = world.client(verbose=True), io.StringIO()
    with redirect_stderr(log), caplog.at_level(logging.WARNING, "qai_hub"):
        client.get_job("ja").wait()
        client.get_job("jb").wait()
    assert [record.getMessage() for record in caplog.records] == [
        "QAI_HUB_PROGRESS is 'fancy': it must be auto, plain, rich, off. It counts as auto."
    ]
    assert log.getvalue().count("SUCCESS") == 2


# -- what others write ---------------------------------------------------------------------------

HOSTILE = st.lists(
    st.one_of(
        st.sampled_from(
            [
                *("::error::x", "##[error]x", "##vso[task.complete]", "::endgroup::", "\n", "\r"),
                *("\x1b[2J", "\x1b]0;x\a", "\x9b1A", "\u2028", "\u202e", "\x85", "\t", "%0A", " "),
                *("<script>", "</td>", '"', "'", "&", "[bold]", "[/]", "\x00", "\ud800", "{0}"),
            ]
        ),
        st.text(max_size=5),
    ),
    max_size=6,
).map("".join)

VIEWS = st.builds(
    JobView,
    job_id=HOSTILE,
    kind=st.just("compile"),
    name=HOSTILE,
    url=HOSTILE,
    state=HOSTILE,
    has_ended=st.booleans(),
    has_failed=st.booleans(),
    reason=HOSTILE,
    notices=st.lists(st.builds(NoticeView, HOSTILE | st.just("WARNING"), HOSTILE), max_size=2).map(
        tuple
    ),
)


def show_all(display: Display, job: JobView) -> None:
    """Has everything shown that a display can show of a job, and a transfer by its name."""
    display.show_submission(job)
    for count in (1, 2):
        wait = display.open_wait([job] * count, grouped=count > 1)
        for index in range(count):
            wait.update(index, job, is_told=False)
        wait.close()
    transfer = Transfer("upload", job.name, None, 0.0)
    transfer.move(5_000_000)
    display.open_transfer(transfer).close(succeeded=True)


@given(job=VIEWS, annotates=st.booleans())
def test_no_text_commands_a_runner_or_adds_a_line(job: JobView, *, annotates: bool) -> None:
    log = io.StringIO()
    show_all(PlainDisplay(log, {"GITHUB_ACTIONS": str(annotates).lower()}, Clock()), job)
    ours = re.compile(
        r"::group::Waiting for 2 jobs|::endgroup::|::(error|warning) title=[^:,]*::[^\r\n]*"
    )
    lines = log.getvalue().split("\n")
    assert lines.pop() == ""
    commands = [line for line in lines if line.lstrip().startswith("::")]
    assert all(ours.fullmatch(line) for line in commands)
    assert bool(commands) <= annotates
    assert all(line.isprintable() for line in lines)
    assert not re.search(r"##\w*\[", log.getvalue())
    notices = len(job.notices) if job.has_ended else 0
    failures = annotates and job.has_ended and job.has_failed
    group = 2 * annotates * bool(job.has_ended or job.state)
    states = 3 * bool(job.has_ended)
    summary = bool(job.has_ended)
    if job.has_ended:
        assert len(lines) == 1 + states + 3 * notices + 3 * failures + group + summary + 1


@given(job=VIEWS)
def test_no_text_steers_a_terminal(job: JobView) -> None:
    stream = io.StringIO()
    show_all(TerminalDisplay(stream, Clock()), job)
    rest = re.sub(r"\x1b\[(\d+(;\d+)*m|2K|1A)|[\r\n]", "", stream.getvalue())
    assert rest.isprintable()


class Tags(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.found: set[str] = set()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.found.add(tag)
        assert {name for name, _ in attrs} <= {"style", "href", "target", "rel", "value", "max"}
        assert not dict(attrs).get("href") or str(dict(attrs)["href"]).startswith("http")


@given(job=VIEWS)
def test_no_text_becomes_a_tag(job: JobView) -> None:
    with fake_kernel() as elements:
        show_all(NotebookDisplay(Clock()), job)
    assert len(elements) == 4
    tags = Tags()
    for element in elements:
        tags.feed(element.html[-1])
    assert tags.found <= {"table", "tr", "td", "div", "b", "br", "a", "progress"}
