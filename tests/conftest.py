"""What all tests share."""

import copyreg
import logging
import os
import signal
import sys
from collections.abc import Iterator

import pytest
from hypothesis import settings

# ONNX Runtime reports its use to its maker unless told not to, through the proxies of tests too.
os.environ["ORT_DISABLE_TELEMETRY"] = "1"

# The same examples at each run, however slow the machine is.
settings.register_profile("steady", derandomize=True, deadline=None)
settings.load_profile("steady")

# Whoever starts the tests in the background may have it ignored, for them and for what they start.
signal.signal(signal.SIGINT, signal.default_int_handler)
signal.signal(signal.SIGHUP, signal.SIG_DFL)


def pytest_collection_finish(session: pytest.Session) -> None:
    """Have exceptions pickled as Python does: once imported, Dask adds what caused them."""
    for kind in [*copyreg.dispatch_table]:
        if issubclass(kind, BaseException):
            del copyreg.dispatch_table[kind]


@pytest.fixture(scope="session", autouse=True)
def _cache_of_the_tests(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """What the tests leave behind is not found in the cache of whoever runs them."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("XDG_CACHE_HOME", str(tmp_path_factory.mktemp("cache")))
        yield


@pytest.fixture(scope="session", autouse=True)
def _database_of_hubs() -> Iterator[None]:
    """Hubs of the tests use PostgreSQL if QAI_HUB_TEST_DATABASE is `postgresql`."""
    if os.environ.get("QAI_HUB_TEST_DATABASE") != "postgresql":
        yield
        return
    from support.on_postgresql import hubs_on_postgresql

    with hubs_on_postgresql():
        yield


@pytest.fixture(autouse=True)
def _botocore_logs_as_before() -> Iterator[None]:
    """A hub with its files on object storage has it log less, in the whole process."""
    logger = logging.getLogger("botocore")
    level = logger.level
    yield
    logger.setLevel(level)


@pytest.fixture(autouse=True)
def _no_server_is_remembered() -> Iterator[None]:
    """Another test's server may have had the same port and token, and other devices."""
    yield
    if "qai_hub.client.fetch" in sys.modules:
        from qai_hub.client.fetch import DEVICES

        DEVICES.clear()
    if "qai_hub.transport.loopback" in sys.modules:
        from qai_hub.transport import loopback

        # What has answered before may be restarting, and is waited for.
        loopback._answered.clear()


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Shows what tests have recorded of themselves: a worker's output goes nowhere."""
    for report in terminalreporter.getreports("passed"):
        for title, text in report.user_properties:
            terminalreporter.section(title)
            terminalreporter.write(text)
