"""A hub over HTTP, as any client sees it, without the facade."""

from typing import Any

import httpx

from qai_hub.local import LocalHub

DEVICE = {"name": "Samsung Galaxy S24"}
Json = dict[str, Any]


class Api:
    """One person's connection to a hub."""

    def __init__(self, hub: LocalHub, email: str | None = None) -> None:
        self.http = httpx.Client(
            base_url=f"{hub.url}/api/v1/",
            headers={"Authorization": f"token {hub.token(email)}"},
            timeout=30,
        )

    def close(self) -> None:
        self.http.close()

    def get(self, path: str, **params: Any) -> Json:
        return ok(self.http.get(path, params=params))

    def post(self, path: str, body: Json | None = None, **headers: str) -> Json:
        names = {name.replace("_", "-"): value for name, value in headers.items()}
        return ok(self.http.post(path, json=body, headers=names))

    def patch(self, path: str, body: Json) -> Json:
        return ok(self.http.patch(path, json=body))

    def create_model(self, name: str = "net") -> str:
        body = {"name": name, "model_type": "MODEL_TYPE_ONNX"}
        return str(self.post("models/", body)["id"])

    def upload_model(self, content: bytes = b"model", name: str = "net") -> str:
        key = self.create_model(name)
        upload = self.get(f"models/{key}/multipart_upload/", file_size=len(content))
        parts, step = upload["multipart_url"], upload["multipart_url"]["max_part_size"]
        etags = [
            httpx.put(url, content=content[index * step : (index + 1) * step]).headers["ETag"]
            for index, url in enumerate(parts["urls"])
        ]
        body = {"upload_id": parts["upload_id"], "etags": etags}
        self.post(f"models/{key}/multipart_upload/", body)
        return key

    def upload_dataset(self, content: bytes = b"data", **fields: Any) -> str:
        key = str(self.post("datasets/", {"name": "images", **fields})["id"])
        form = self.get(f"datasets/{key}/upload_url/")["url"]
        files = {form["file_field_name"]: ("model", content)}
        assert httpx.post(form["url"], data=form["fields"], files=files).is_success
        self.patch(f"datasets/{key}/", {"file_upload_complete": True})
        return key

    def submit(self, kind: str, model: str, **fields: Any) -> str:
        """Submit a job; returns its id."""
        body: Json = {"model": {"model_id": model}, **fields}
        if kind == "compile_job":
            body["devices"] = {"devices": [DEVICE]}
        elif kind == "inference_job":
            body["device"] = DEVICE
        return str(self.post("jobs/", {kind: body})["id"])

    def compile(self, model: str, **fields: Any) -> tuple[str, str]:
        """Submit a compile job; returns its id, and that of its target model."""
        key = self.submit("compile_job", model, **fields)
        return key, str(self.job(key)["target_model"]["model_id"])

    def job(self, key: str) -> Json:
        """Return the part of a job that is of its type."""
        return detail(self.get(f"jobs/{key}/"))

    def wait(self, key: str, seconds: int = 20) -> Json:
        """Wait for the end of a job."""
        response = self.http.get(f"jobs/{key}/", headers={"Prefer": f"wait={seconds}"})
        found = detail(ok(response))
        assert found["job_state"] in {"JOB_STATE_DONE", "JOB_STATE_FAILED"}
        return found


def detail(job: Json) -> Json:
    """Return the part of a job that is of its type."""
    (found,) = (value for name, value in job.items() if name.endswith("_job"))
    assert isinstance(found, dict)
    return found


def ok(response: httpx.Response) -> Json:
    """Return the JSON of a success."""
    assert response.is_success, response.text
    body = response.json()
    assert isinstance(body, dict)
    return body


def problem(response: httpx.Response, status: int) -> str:
    """Return the detail of an error."""
    assert response.status_code == status, response.text
    assert response.headers["Content-Type"] == "application/problem+json"
    body = response.json()
    assert body["status"] == status
    assert body["request_id"] == response.headers["X-Request-Id"]
    return str(body["detail"])
