"""Transfers and waits when the main thread has ended: in other threads, and at exit."""

import os
import subprocess
import sys
from pathlib import Path

import pytest
from support.routed_hub import RoutedHub
from support.scripted_server import json_reply

TIME = "2026-01-02T03:04:05Z"
JOB = {
    "compile_job": {
        "compile_job_id": "j1",
        "job_state": "JOB_STATE_DONE",
        "user_id": 1,
        "name": "net",
        "options": "",
        "creation_time": TIME,
        "failure_reason": "",
    },
    "notices": [],
    "available_artifacts": [],
    "failure_type": "JOB_FAILURE_TYPE_UNSPECIFIED",
}
MODEL = {
    "model_id": "m1",
    "name": "net",
    "creation_time": TIME,
    "model_type": "MODEL_TYPE_TFLITE",
    "file_upload_complete": True,
}
PROGRAM = """
import atexit, os, sys, threading, time
url, path, where = sys.argv[1:]
os.environ["NO_PROXY"] = "localhost,127.0.0.1"
import qai_hub as hub

client = hub.Client(hub.ClientConfig("token", url, url, verbose=False))
main = threading.main_thread()

def work():
    if where == "thread":
        main.join()
    try:
        model = client.upload_model(path)
        copy = model.download(path + ".copy")
        print(model.model_id, os.path.getsize(copy), client.get_job("j1").wait().code)
        print([status.code for status in hub.wait_all([client.get_job("j1")])], flush=True)
    except BaseException as error:
        print(type(error).__name__, error, flush=True)

if where == "atexit":
    atexit.register(work)
else:
    threading.Thread(target=work).start()
"""


@pytest.mark.parametrize("where", ["atexit", "thread"])
def test_all_goes_on(tmp_path: Path, where: str) -> None:
    path = tmp_path / "m.tflite"
    path.write_bytes(b"\x1c\0\0\0TFL3" + bytes(450_000))
    with RoutedHub({}) as server:
        # By its name: event loops look names up in threads.
        url = server.url.replace("127.0.0.1", "localhost")
        urls = [f"{url}/part" for _ in range(5)]
        parts = {"urls": urls, "upload_id": "u", "max_part_size": 100_000}
        created = {"id": "m1", "status": "", "creation_time": TIME}
        server.routes.update(
            {
                "POST /api/v1/models/": json_reply(created),
                "GET /api/v1/models/m1/multipart_upload/": json_reply({"multipart_url": parts}),
                "POST /api/v1/models/m1/multipart_upload/": json_reply(created),
                "PUT /part": json_reply(b"", headers={"ETag": '"t"'}),
                "GET /api/v1/models/m1/": json_reply(MODEL),
                "GET /api/v1/models/m1/download/": json_reply(
                    {"url": {"url": f"{url}/file", "filename": "m.tflite"}}
                ),
                "GET /file": json_reply(
                    b"\x1c\0\0\0TFL3", headers={"Content-Type": "binary/octet-stream"}
                ),
                "GET /api/v1/jobs/j1/": json_reply(JOB),
            }
        )
        done = subprocess.run(
            [sys.executable, "-c", PROGRAM, url, str(path), where],
            capture_output=True,
            text=True,
            timeout=100,
            check=False,
            env={**os.environ, "PYTHONWARNINGS": "error"},
        )
        assert server.count("PUT /part") == 5
    assert done.stdout.splitlines() == ["m1 8 SUCCESS", "['SUCCESS']"]
    assert done.stderr == ""
