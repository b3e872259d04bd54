from collections.abc import Iterator
from contextlib import closing
from datetime import UTC, datetime
from itertools import pairwise
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from qai_hub.local.engine.attempt_log import AttemptLog

NOW = datetime(2026, 1, 2, 3, 4, 5, 678901, tzinfo=UTC)
STAMP = "2026-01-02T03:04:05.678Z"


def logged_text(path: Path, *chunks: bytes, limit: int = 10**6) -> str:
    path.unlink(missing_ok=True)
    with closing(AttemptLog(path, limit=limit, now=lambda: NOW)) as log:
        for chunk in chunks:
            log.write_output(chunk)
    return path.read_text(encoding="utf-8")


def split_at(data: bytes, places: list[int]) -> Iterator[bytes]:
    edges = [0, *sorted(place % (len(data) + 1) for place in places), len(data)]
    return (data[a:b] for a, b in pairwise(edges))


def test_lines_are_stamped_with_utc_time(tmp_path: Path) -> None:
    with closing(AttemptLog(tmp_path / "log", now=lambda: NOW)) as log:
        log.write("started\nagain")
        log.write_output(b"one\ntw")
        log.write_output(b"o\nthree")

    lines = (tmp_path / "log").read_text().splitlines()
    assert lines == [f"{STAMP} {text}" for text in ("started", "again", "one", "two", "three")]


@settings(deadline=None, suppress_health_check=list(HealthCheck))
@given(
    data=st.binary(max_size=200) | st.builds(bytes.__mul__, st.binary(), st.integers(0, 5000)),
    places=st.lists(st.integers(min_value=0), max_size=5),
)
def test_where_output_is_cut_into_chunks_does_not_show(
    tmp_path: Path, data: bytes, places: list[int]
) -> None:
    assert logged_text(tmp_path / "log", *split_at(data, places)) == logged_text(
        tmp_path / "log", data
    )


@settings(deadline=None, suppress_health_check=list(HealthCheck))
@given(text=st.text())
def test_no_control_character_reaches_the_log(tmp_path: Path, text: str) -> None:
    log = logged_text(tmp_path / "log", text.encode("utf-8", "surrogatepass"))

    assert all(char.isprintable() or char in "\t\n" or ord(char) > 0x9F for char in log)
    assert "\x1b" not in log


def test_colours_are_dropped(tmp_path: Path) -> None:
    assert logged_text(tmp_path / "log", b"\x1b[1;31mred\x1b[m\n") == f"{STAMP} red\n"


def test_a_repeated_warning_is_written_once_with_its_count(tmp_path: Path) -> None:
    def warn(second: int, text: str, level: str = "W") -> bytes:
        stamp = f"2026-01-02 03:04:{second:02}.123456789"
        return f"\x1b[0;93m{stamp} [{level}:onnxruntime:, {text}]\x1b[m\n".encode()

    errors = [warn(0, "an error", "E")] * 2
    runtime_log = AttemptLog(tmp_path / "runtime", now=lambda: NOW)
    with closing(AttemptLog(tmp_path / "log", now=lambda: NOW, output_log=runtime_log)) as log:
        log.write_output(b"".join([warn(0, "a"), warn(0, "b"), *errors, b"a line\n" * 2]))
        log.write_output(warn(1, "a") + warn(2, "a"))
        assert log.tail().count("[W:onnxruntime:, a]") == 1
        log.write_repeats()
        log.write_output(warn(3, "a"))
        log.write_repeats()

    lines = (tmp_path / "log").read_text().splitlines()
    assert [line.removeprefix(f"{STAMP} ") for line in lines] == [
        *(f"2026-01-02 03:04:00.123456789 [W:onnxruntime:, {text}]" for text in "ab"),
        *["2026-01-02 03:04:00.123456789 [E:onnxruntime:, an error]"] * 2,
        *["a line"] * 2,
        "… 3 times in all: [W:onnxruntime:, a]",
        "2026-01-02 03:04:03.123456789 [W:onnxruntime:, a]",
    ]
    assert (tmp_path / "runtime").read_text().splitlines() == lines


def test_a_flood_keeps_the_first_and_the_last_lines(tmp_path: Path) -> None:
    flood = b"".join(b"line %d\n" % number for number in range(100_000))

    log = logged_text(tmp_path / "log", flood, limit=10_000)

    lines = log.splitlines()
    assert len(log) < 20_000
    assert lines[0] == f"{STAMP} line 0"
    assert lines[-1] == f"{STAMP} line 99999"
    (gap,) = (line for line in lines if "omitted" in line)
    kept = len(lines) - 1
    assert gap == f"{STAMP} … {100_000 - kept} lines omitted …"


def test_a_line_without_end_is_bounded(tmp_path: Path) -> None:
    log = logged_text(tmp_path / "log", *[b"x" * 65536] * 100, limit=10_000)

    assert len(log) < 300_000
    assert "omitted" in log


def test_the_tail_holds_only_what_the_worker_printed(tmp_path: Path) -> None:
    with closing(AttemptLog(tmp_path / "log")) as log:
        log.write("a line of the hub")
        log.write_output(b"".join(b"line %d\n" % number for number in range(100)) + b"unfinished")
        tail = log.tail().splitlines()

    assert tail[-2:] == ["line 99", "unfinished"]
    assert len(tail) == 40


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="needs /dev/full")
def test_a_full_disk_does_not_stop_the_hub(tmp_path: Path) -> None:
    (tmp_path / "log").symlink_to("/dev/full")

    with closing(AttemptLog(tmp_path / "log")) as log:
        log.write_output(b"one\n")
        log.write_output(b"two\n")

        assert log.tail() == "one\ntwo"
