"""How connections are bounded by the files that a process may have open."""

import logging
import resource
import subprocess
import sys

import pytest
from hypothesis import given
from hypothesis import strategies as st

from qai_hub.local.limits import ServerLimits
from qai_hub.local.server.log_filter import RateLimitFilter

SCRIPT = """
import resource
resource.setrlimit(resource.RLIMIT_NOFILE, ({soft}, {hard}))
from qai_hub.local.limits import raise_open_file_limit
print(raise_open_file_limit(), *resource.getrlimit(resource.RLIMIT_NOFILE))
"""


@given(files=st.integers(64, 1 << 20), jobs=st.integers(1, 256))
def test_limits_leave_files_for_everything_else(files: int, jobs: int) -> None:
    limits = ServerLimits.within(files, jobs)
    assert 4 <= limits.threads <= 40
    assert 1 <= limits.waits < limits.connections
    assert limits.refusals >= 4
    needed = 2 * (limits.connections + limits.refusals) + 4 * limits.threads + 8 * jobs
    if files >= 1024 and jobs <= 16:
        assert needed < files - 32
    assert ServerLimits.within(files + 1, jobs).connections >= limits.connections - 4


@pytest.mark.parametrize(
    ("soft", "hard", "raised"), [(128, 700, 700), (300, 300, 300), (64, 256, 256)]
)
def test_the_limit_of_open_files_is_raised_as_far_as_it_may_be(
    soft: int, hard: int, raised: int
) -> None:
    if resource.getrlimit(resource.RLIMIT_NOFILE)[1] < hard:
        pytest.skip("this machine allows fewer files")
    script = SCRIPT.format(soft=soft, hard=hard)
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, check=True)
    assert done.stdout.split() == [b"%d" % number for number in (raised, raised, hard)]


def test_a_warning_is_written_once_in_a_while_and_says_how_often_it_was_not(
    caplog: pytest.LogCaptureFixture,
) -> None:
    now = 0.0
    log = logging.getLogger("tests.seldom")
    log.addFilter(RateLimitFilter(5, lambda: now))
    for now in (0.0, 1.0, 4.9, 5.0, 5.1, 20.0):
        log.warning("full: %d", int(now))
        log.warning("other")
        log.error("always")
    told = [record.getMessage() for record in caplog.records]
    assert [text for text in told if text.startswith("full")] == [
        "full: 0",
        "full: 5 (and 2 more since the last such message)",
        "full: 20 (and 1 more since the last such message)",
    ]
    assert len([text for text in told if text.startswith("other")]) == 3
    assert told.count("always") == 6
