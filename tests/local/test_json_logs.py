"""Logs as JSON: each line says what it is about, and tells no secrets."""

import json
import logging
import os
import signal
import subprocess
import sys
import threading
from pathlib import Path
from typing import Any

import httpx
import pytest

from qai_hub.local.json_logs import JsonFormatter, logging_about


def line(message: str, *arguments: object, error: BaseException | None = None) -> dict[str, Any]:
    found = None if error is None else (type(error), error, error.__traceback__)
    record = logging.LogRecord("a.b", logging.WARNING, "", 1, message, arguments, found)
    shown = JsonFormatter().format(record)
    assert "\n" not in shown
    read: dict[str, Any] = json.loads(shown)
    return read


def test_a_line_says_when_where_and_what() -> None:
    found = line("two\nlines of %s", "Zoë")
    assert found.keys() == {"time", "level", "logger", "message", "node"}
    assert (found["level"], found["logger"]) == ("warning", "a.b")
    assert found["message"] == "two\nlines of Zoë"
    assert found["time"][10] + found["time"][-1] == "TZ"
    assert found["node"].endswith(f":{os.getpid()}")


def test_what_a_line_is_about_is_that_of_its_thread() -> None:
    seen: dict[str, Any] = {}
    with logging_about(job_id="j1", attempt=2):
        with logging_about(request_id="r"):
            inner = line("x")
        thread = threading.Thread(target=lambda: seen.update(line("x")))
        thread.start()
        thread.join()
        outer = line("x")
    assert (inner["job_id"], inner["attempt"], inner["request_id"]) == ("j1", 2, "r")
    assert (outer["job_id"], outer["attempt"]) == ("j1", 2)
    assert "request_id" not in outer
    assert "job_id" not in seen
    assert "job_id" not in line("x")


@pytest.mark.parametrize(
    ("message", "shown"),
    [
        ("GET /api/v1/files/f1/?signature=abc&x=1 failed", "GET /api/v1/files/f1/?… failed"),
        (
            "to 'https://bucket.example.com/a/b?X-Amz-Signature=abc'",
            "to 'https://bucket.example.com/a/b?…'",
        ),
        ("at postgresql+psycopg://hub:s3cr:et@db/hub.", "at postgresql+psycopg://hub:…@db/hub."),
        ("{'Authorization': 'token abc'}", "{'Authorization': 'token …'}"),
        ("authorization: Bearer a.b.c", "authorization: Bearer …"),
        ("what? at http://h:80/a, nothing", "what? at http://h:80/a, nothing"),
    ],
)
def test_secrets_are_left_out(message: str, shown: str) -> None:
    assert line(message)["message"] == shown
    found = line("failed", error=ValueError(message))
    assert found["exception"].splitlines()[-1] == f"ValueError: {shown}"


def test_a_hub_logs_requests_and_jobs_so(tmp_path: Path) -> None:
    command = [sys.executable, "-m", "qai_hub", "serve", "--port", "0", "--data-dir", "data"]
    command += ["--log-format", "json", "--log-level", "info", "--metrics", "--cold-workers"]
    environment = {**os.environ, "HOME": str(tmp_path), "USERPROFILE": str(tmp_path)}
    with subprocess.Popen(
        command,
        cwd=tmp_path,
        env=environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    ) as hub:
        assert hub.stdout is not None
        url = hub.stdout.readline().split()[3].rstrip(",")
        assert httpx.get(f"{url}/readyz").status_code == 200
        assert "qai_hub_requests_total" in httpx.get(f"{url}/metrics").text
        answered = httpx.get(f"{url}/api/v1/jobs/?signature=secret")
        hub.send_signal(signal.SIGTERM)
        _, errors = hub.communicate(timeout=30)
    lines = [json.loads(each) for each in errors.splitlines()]
    request = answered.headers["X-Request-Id"]
    (found,) = [each for each in lines if each.get("request_id") == request]
    assert "/api/v1/jobs/" in found["message"]
    assert found["level"] == "info"
    assert "secret" not in errors
