"""Times of payloads, as the facade holds them."""

import string
import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta, timezone

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from qai_hub_api.types import UNSET

from qai_hub.transport.values import has_ended, to_local_time, to_utc, valid_id_or_empty

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
    assert to_local_time(moment) == there.replace(tzinfo=None)
    assert to_local_time(moment).fold == there.fold


@given(moment=MOMENTS)
def test_moments_are_in_utc(moment: datetime) -> None:
    found = to_utc(moment)
    assert found == moment
    assert found is not None
    assert found.tzinfo is UTC
    assert to_utc(found) is found


@pytest.mark.parametrize("text", ["0001-01-01T00:00:00+14:00", "9999-12-31T23:59:59-14:00"])
def test_times_that_no_calendar_has_are_not_known(text: str) -> None:
    moment = datetime.fromisoformat(text)
    assert to_utc(moment) is None
    assert to_local_time(moment) == to_local_time(UNSET) == datetime.fromtimestamp(0)


@pytest.mark.parametrize(
    ("text", "ended"),
    [
        ("0001-01-01T00:00:00+00:00", False),
        ("1970-01-01T00:00:00+00:00", False),
        ("2026-01-02T03:04:05+00:00", True),
    ],
)
def test_empty_times_of_other_languages_are_no_ends(text: str, *, ended: bool) -> None:
    assert has_ended(datetime.fromisoformat(text)) is ended
    assert not has_ended(None)


@given(st.text(max_size=80))
def test_what_leads_elsewhere_is_no_identifier(text: str) -> None:
    found = valid_id_or_empty(text)
    assert found in ("", text)
    assert set(found) <= set(string.ascii_letters + string.digits + "-_")
    assert len(found) <= 64


@pytest.mark.parametrize("text", ["..", "../x", "j1/", "j 1", "", "j" * 65, "ü1", "j%2e", "j1\n"])
def test_odd_identifiers(text: str) -> None:
    assert valid_id_or_empty(text) == ""
    assert valid_id_or_empty(UNSET) == ""
    assert valid_id_or_empty("jabc_1-2") == "jabc_1-2"
