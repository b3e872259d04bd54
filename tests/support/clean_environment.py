"""An environment without the proxies and certificates of this machine."""

from collections.abc import Iterator

import pytest

from qai_hub.transfer.files import FILE_SESSION_KEY
from qai_hub.transport.certificates import CERTIFICATE_VARIABLES
from qai_hub.transport.pool import SESSIONS
from qai_hub.transport.proxies import PROXY_VARIABLES

__all__ = ["plain_environment"]


@pytest.fixture
def plain_environment(monkeypatch: pytest.MonkeyPatch) -> Iterator[pytest.MonkeyPatch]:
    """Takes the variables away; what the test sets goes with it."""
    for name in (*PROXY_VARIABLES, *CERTIFICATE_VARIABLES):
        monkeypatch.delenv(name, raising=False)
    yield monkeypatch
    SESSIONS.close(FILE_SESSION_KEY)
