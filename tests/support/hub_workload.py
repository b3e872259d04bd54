"""A random workload for a hub, and a record of what the hub has acknowledged."""

import hashlib
import random
import threading
from collections.abc import Callable
from contextlib import suppress
from copy import deepcopy
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlsplit

import httpx
from support.hub_http import DEVICE, Json, detail, ok

EMAILS = [f"{name}@example.com" for name in ("bob", "eve", "zoe")]
_LARGEST = 12_000


@dataclass(slots=True)
class Upload:
    """An upload in parts, and the ETags of those that have arrived."""

    model: str
    content: bytes
    upload_id: str
    urls: list[str]
    part_size: int
    etags: dict[int, str] = field(default_factory=dict)

    def part(self, index: int) -> bytes:
        return self.content[index * self.part_size : (index + 1) * self.part_size]


@dataclass(slots=True)
class ChangeHistory:
    """The values that a field was changed to, in order; the first `acknowledged` of them were."""

    values: list[Any]
    acknowledged: int = 1


@dataclass(slots=True)
class AcknowledgedState:
    """What a hub has acknowledged: resources by their ids, files by their digests.

    Attributes:
        models: Uploaded models.
        datasets: Uploaded datasets.
        uploads: Uploads under way, by their ids.
        names: Names of models.
        shared: With whom models are shared.
        jobs: Jobs that were submitted: their input models.
        keys: Idempotency keys of these.
        done: The target models' files of jobs that have ended.
    """

    models: dict[str, str] = field(default_factory=dict)
    datasets: dict[str, str] = field(default_factory=dict)
    uploads: dict[str, Upload] = field(default_factory=dict)
    names: dict[str, ChangeHistory] = field(default_factory=dict)
    shared: dict[str, ChangeHistory] = field(default_factory=dict)
    jobs: dict[str, str] = field(default_factory=dict)
    keys: dict[str, str] = field(default_factory=dict)
    done: dict[str, str] = field(default_factory=dict)


class HubWorkload(threading.Thread):
    """A client of a hub that sends one request after the other.

    Args:
        url: Where the hub is.
        token: A token of a user.
        seed: Decides what it does.

    Attributes:
        may_continue: Cleared to pause it.
        stopping: Set to end it.
        error: What went wrong, in the hub or here.
    """

    def __init__(self, url: str, token: str, seed: int) -> None:
        super().__init__(daemon=True)
        self.may_continue, self.stopping = threading.Event(), threading.Event()
        self.may_continue.set()
        self.error: BaseException | None = None
        self._http = httpx.Client(
            base_url=f"{url}/api/v1/", headers={"Authorization": f"token {token}"}, timeout=60
        )
        self._random = random.Random(seed)
        self._lock = threading.Lock()
        self._known = AcknowledgedState()

    def acknowledged(self) -> AcknowledgedState:
        """Return what has been acknowledged until now."""
        with self._lock:
            return deepcopy(self._known)

    def run(self) -> None:
        kinds: list[Callable[[], None]] = [
            *(self._begin, self._send_part, self._send_part, self._finish, self._dataset),
            *(self._rename, self._share, self._submit, self._submit, self._await),
        ]
        try:
            while not self.stopping.is_set():
                self.may_continue.wait()
                # Nothing to do it with as yet.
                with suppress(IndexError):
                    self._random.choice(kinds)()
        except BaseException as error:  # noqa: BLE001 - the test raises it
            self.error = error
        self._http.close()

    def _begin(self) -> None:
        content = self._random.randbytes(self._random.randint(1, _LARGEST))
        body = {"name": "net", "model_type": "MODEL_TYPE_ONNX"}
        key = str(ok(self._http.post("models/", json=body))["id"])
        upload = ok(self._http.get(f"models/{key}/multipart_upload/?file_size={len(content)}"))
        parts = upload["multipart_url"]
        with self._lock:
            self._known.names[key] = ChangeHistory(["net"])
            self._known.shared[key] = ChangeHistory([[]])
            self._known.uploads[parts["upload_id"]] = Upload(
                key, content, parts["upload_id"], parts["urls"], parts["max_part_size"]
            )

    def _send_part(self) -> None:
        upload = self._random.choice(list(self._known.uploads.values()))
        missing = [index for index in range(len(upload.urls)) if index not in upload.etags]
        index = self._random.choice(missing)
        tag = self._http.put(upload.urls[index], content=upload.part(index)).headers["ETag"]
        with self._lock:
            upload.etags[index] = tag

    def _finish(self) -> None:
        whole = [
            upload
            for upload in self._known.uploads.values()
            if len(upload.etags) == len(upload.urls)
        ]
        upload = self._random.choice(whole)
        finish_upload(self._http, upload)
        with self._lock:
            self._known.models[upload.model] = digest(upload.content)
            del self._known.uploads[upload.upload_id]

    def _dataset(self) -> None:
        content = self._random.randbytes(self._random.randint(1, _LARGEST))
        key = str(ok(self._http.post("datasets/", json={"name": "images"}))["id"])
        form = ok(self._http.get(f"datasets/{key}/upload_url/"))["url"]
        sent = self._http.post(form["url"], files={form["file_field_name"]: ("f", content)})
        assert sent.status_code == 201
        ok(self._http.patch(f"datasets/{key}/", json={"file_upload_complete": True}))
        with self._lock:
            self._known.datasets[key] = digest(content)

    def _rename(self) -> None:
        key = self._random.choice(list(self._known.names))
        name = f"net{self._random.randrange(10**6)}"
        self._change(self._known.names[key], name, f"models/{key}/", {"name": name})

    def _share(self) -> None:
        key = self._random.choice(list(self._known.shared))
        recipients = sorted(self._random.sample(EMAILS, 2))
        others = [email for email in EMAILS if email not in recipients]
        body = {"add_email": recipients, "remove_email": others}
        self._change(self._known.shared[key], recipients, f"models/{key}/shared_access/", body)

    def _change(self, history: ChangeHistory, value: Any, path: str, body: Json) -> None:
        with self._lock:
            history.values.append(value)
        ok(self._http.patch(path, json=body))
        with self._lock:
            history.acknowledged = len(history.values)

    def _submit(self) -> None:
        model, named = self._random.choice(list(self._known.models)), self._random.randbytes(8)
        key = str(
            ok(self._http.post("jobs/", **job_request(model, named.hex())))["id"],
        )
        with self._lock:
            self._known.jobs[key] = model
            self._known.keys[key] = named.hex()

    def _await(self) -> None:
        waiting = [key for key in self._known.jobs if key not in self._known.done]
        key = self._random.choice(waiting)
        found = detail(ok(self._http.get(f"jobs/{key}/", headers={"Prefer": "wait=20"})))
        assert found["job_state"] == "JOB_STATE_DONE", found
        content = download(self._http, f"jobs/{key}/download_compiled_model/")
        with self._lock:
            self._known.done[key] = digest(content)


def job_request(model: str, key: str) -> Json:
    """Return the keyword arguments of the request that submits a job."""
    body = {"model": {"model_id": model}, "devices": {"devices": [DEVICE]}}
    return {"json": {"compile_job": body}, "headers": {"Idempotency-Key": key}}


def finish_upload(http: httpx.Client, upload: Upload) -> None:
    """Complete an upload."""
    etags = [upload.etags[index] for index in range(len(upload.urls))]
    body = {"upload_id": upload.upload_id, "etags": etags}
    ok(http.post(f"models/{upload.model}/multipart_upload/", json=body))


def download(http: httpx.Client, path: str) -> bytes:
    """Download the file whose URL is at a path."""
    answer = http.get(ok(http.get(path))["url"]["url"])
    assert answer.is_success, answer.text
    return answer.content


def digest(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()


def rebase_url(url: str, base: str) -> str:
    """Return a signed URL of a hub that has moved to another address."""
    parts = urlsplit(url)
    return f"{base}{parts.path}?{parts.query}"
