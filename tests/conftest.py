"""What all tests share."""

import copyreg
import functools
import gc
import logging
import os
import signal
import ssl
import sys
from collections.abc import Iterator
from typing import Any

import httpx
import pytest
from hypothesis import settings

# ONNX Runtime reports its use to its maker unless told not to, through the proxies of tests too.
os.environ["ORT_DISABLE_TELEMETRY"] = "1"

_CERTIFICATE_VARIABLES = ("SSL_CERT_FILE", "SSL_CERT_DIR")

# The same examples at each run, however slow the machine is; with --hypothesis-profile=long, more
# of them, and others each time.
settings.register_profile("steady", derandomize=True, deadline=None, max_examples=30)
settings.register_profile("long", deadline=None, max_examples=1000)
settings.load_profile("steady")

# Whoever starts the tests in the background may have it ignored, for them and for what they start.
signal.signal(signal.SIGINT, signal.default_int_handler)
signal.signal(signal.SIGHUP, signal.SIG_DFL)


# Hubs that name no database are hubs of a team, and only tests that need a small one are skipped.
ON_TEAM_HUBS = os.environ.get("QAI_HUB_TEST_HUB") == "team"


@pytest.hookimpl(tryfirst=True)
def pytest_runtest_setup(item: pytest.Item) -> None:
    """Have hubs of a team as a test needs them, before its fixtures start any."""
    if ON_TEAM_HUBS:
        from support.team_hubs import TeamHubs

        only_small = item.get_closest_marker("small_hub")
        if only_small is not None:
            (reason,) = only_small.args
            pytest.skip(reason)
        TeamHubs.in_bucket = item.get_closest_marker("shared_folder") is None


def pytest_collection_finish(session: pytest.Session) -> None:
    """Take stock of what stays to the end: thousands of tests, and all that they import."""
    # Otherwise the garbage collector would look through them again and again.
    gc.collect()
    gc.freeze()
    # Once imported, Dask adds to exceptions that are pickled what caused them.
    for kind in [*copyreg.dispatch_table]:
        if issubclass(kind, BaseException):
            del copyreg.dispatch_table[kind]


@pytest.fixture(scope="session", autouse=True)
def _cache_of_the_tests(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """What the tests leave behind is not found in the cache of whoever runs them."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("XDG_CACHE_HOME", str(tmp_path_factory.mktemp("cache")))
        # So are their engines.
        patch.delenv("QAI_HUB_ENGINES_DIR", raising=False)
        yield


@pytest.fixture(scope="session", autouse=True)
def _certificates_are_read_once() -> Iterator[None]:
    """Each client of httpx reads the certificates of all authorities, which takes 30 ms."""

    def create(
        verify: ssl.SSLContext | str | bool = True, cert: Any = None, trust_env: bool = True
    ) -> ssl.SSLContext:
        return load(verify, cert, trust_env, *map(os.environ.get, _CERTIFICATE_VARIABLES))

    @functools.cache
    def load(verify: Any, cert: Any, trust_env: bool, *_: str | None) -> ssl.SSLContext:
        return httpx.create_ssl_context(verify, cert, trust_env)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("httpx._transports.default.create_ssl_context", create)
        yield


@pytest.fixture(scope="session", autouse=True)
def _team_hubs() -> Iterator[None]:
    if not ON_TEAM_HUBS:
        yield
        return
    from support.team_hubs import hubs_of_a_team

    with hubs_of_a_team():
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
