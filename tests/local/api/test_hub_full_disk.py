"""A hub whose disk is full says so to whoever asks it to keep something."""

import errno

import pytest
from support.hub_http import Api, problem

from qai_hub.local.store import Store


def test_requests_that_need_room_are_answered_503_in_one_line_of_the_log(
    ada: Api, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def write(_: Store, **_options: object) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    body = {"name": "net", "model_type": "MODEL_TYPE_ONNX"}
    with monkeypatch.context() as patch:
        patch.setattr(Store, "write", write)
        told = problem(ada.http.post("models/", json=body), 503)
    assert told == "The disk of this hub is full. Free some space, and try again."
    (record,) = [record for record in caplog.records if record.levelname == "ERROR"]
    assert record.exc_info is None
    assert record.getMessage().endswith("POST '/api/v1/models/': the disk is full")
    assert ada.post("models/", body)["id"]
