"""Times of payloads, as the facade holds them."""

import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta, timezone

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from qai_hub.errors import InternalError
from qai_hub.transport.values import local, utc

OFFSETS = st.integers(-14 * 60, 14 * 60).map(lambda minutes: timezone(timedelta(minutes=minutes)))
MOMENTS = st.datetimes(datetime(1970, 1, 2), datetime(2242, 1, 1), timezones=OFFSETS)


@pytest.fixture(params=["UTC", "Europe/Berlin", "Australia/Lord_Howe"])
def zone(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    """Where the machine stands."""
    with monkeypatch.context() as patch:
        patch.setenv("TZ", request.param)
        time.tzset()
        yield request.param
    time.tzset()


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(moment=MOMENTS)
@pytest.mark.usefixtures("zone")
def test_local_times_are_those_of_the_clock_on_the_wall(moment: datetime) -> None:
    there = moment.astimezone()
    assert local(moment) == there.replace(tzinfo=None)
    assert local(moment).fold == there.fold


@given(moment=MOMENTS)
def test_moments_are_in_utc(moment: datetime) -> None:
    found = utc(moment)
    assert found == moment
    assert found is not None
    assert found.tzinfo is UTC
    assert utc(found) is found


@pytest.mark.parametrize("text", ["0001-01-01T00:00:00+14:00", "9999-12-31T23:59:59-14:00"])
def test_times_that_no_calendar_has_are_told(text: str) -> None:
    moment = datetime.fromisoformat(text)
    with pytest.raises(InternalError, match=str(moment.date())):
        utc(moment)
    with pytest.raises(InternalError, match=str(moment.date())):
        local(moment)
