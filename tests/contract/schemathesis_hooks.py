"""Hooks of the schemathesis run: they let generated requests meet things that exist.

Half of the requests that fit the contract are pointed at what the test made before it began;
the others, and all that break the contract on purpose, go out as generated. But nothing deletes
what the test has made: what is made for that is deleted in its place.
"""

import json
import os
import uuid
import zlib
from typing import TYPE_CHECKING, Any, TypeAlias
from urllib.parse import parse_qs, urlsplit

import requests
import schemathesis

if TYPE_CHECKING:
    Case: TypeAlias = schemathesis.Case[Any]

HUB: dict[str, str] = json.loads(os.environ["HUB_UNDER_TEST"])
HEADERS = {"Authorization": f"token {HUB['token']}"}


def chosen(case: "Case") -> bool:
    """Whether to point a request at what exists: half of those that fit the contract."""
    meta = case.meta
    if meta is None or not meta.generation.mode.is_positive:
        return False
    text = json.dumps([case.path_parameters, case.query, repr(case.body)], default=str)
    return zlib.crc32(text.encode(errors="surrogatepass")) % 2 == 0


def fill_job(body: dict[str, Any]) -> None:
    for job in body.values():
        for key, reference in (("model", "model_id"), ("calibration_dataset", "dataset_id")):
            if key in job:
                job[key] = {reference: HUB[reference]}
        if "dataset" in job:
            job["dataset"] = {"dataset_id": HUB["dataset_id"]}
        if "models" in job:
            job["models"] = {"models": [{"model_id": HUB["model_id"]}]}
        if "device" in job:
            job["device"] = {"name": "Samsung Galaxy S24"}
        if "devices" in job:
            job["devices"] = {"devices": [{"name": "Samsung Galaxy S24"}]}


def sign(case: "Case", url: str) -> None:
    if not url.startswith(HUB["url"]):
        # An object storage takes and gives files itself.
        return
    parts = urlsplit(url)
    template = case.operation.path.strip("/").split("/")
    values = parts.path.strip("/").split("/")
    for name, value in zip(template, values, strict=True):
        if name.startswith("{"):
            case.path_parameters[name.strip("{}")] = value
    case.query["signature"] = parse_qs(parts.query)["signature"][0]


def api(method: str, path: str, **body: Any) -> Any:
    url = f"{HUB['url']}/api/v1/{path}"
    answer = requests.request(method, url, headers=HEADERS, timeout=30, **body)
    answer.raise_for_status()
    return answer.json()


def sign_part(case: "Case") -> None:
    content = getattr(case.body, "data", case.body)
    size = len(content) if isinstance(content, bytes) else 0
    if size:
        made = api("POST", "models/", json={"name": "n", "model_type": "MODEL_TYPE_ONNX"})
        upload = api("GET", f"models/{made['id']}/multipart_upload/?file_size={size}")
        sign(case, upload["multipart_url"]["urls"][0])


def sign_form(case: "Case") -> None:
    made = api("POST", "datasets/", json={})
    sign(case, api("GET", f"datasets/{made['id']}/upload_url/")["url"]["url"])


def sign_file(case: "Case") -> None:
    answer = api("GET", f"datasets/{HUB['dataset_id']}/download_data/")
    sign(case, answer["url"]["url"])


def spare_seeds(case: "Case", kind: str, body: dict[str, Any]) -> None:
    name = f"{kind}_id"
    if case.path_parameters.get(name) == HUB[name]:
        case.path_parameters[name] = api("POST", f"{kind}s/", json=body)["id"]


def use_new_key(case: "Case") -> None:
    """An old key gives an old answer, about something that may be deleted since."""
    meta, headers = case.meta, case.headers
    if meta is None or meta.phase.name != "stateful" or not meta.generation.mode.is_positive:
        return
    if headers and "Idempotency-Key" in headers:
        headers["Idempotency-Key"] = uuid.uuid4().hex


SIGN = {"uploadPart": sign_part, "uploadForm": sign_form, "downloadFile": sign_file}


@schemathesis.hook
def before_call(context: schemathesis.HookContext, case: "Case", kwargs: dict[str, Any]) -> None:
    operation = case.operation.definition.raw["operationId"]
    if operation == "deleteModel":
        spare_seeds(case, "model", {"name": "n", "model_type": "MODEL_TYPE_ONNX"})
    elif operation == "deleteDataset":
        spare_seeds(case, "dataset", {})
    elif operation.startswith("create"):
        use_new_key(case)
    if not chosen(case):
        return
    if operation in {"createJob", "createProjectJob"} and isinstance(case.body, dict):
        fill_job(case.body)
    elif operation == "logIn":
        case.body = {"email": HUB["email"], "password": HUB["token"]}
    elif operation in SIGN:
        SIGN[operation](case)
