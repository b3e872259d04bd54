"""Users, devices, models, datasets and lists over HTTP."""

from datetime import datetime, timedelta
from urllib.parse import parse_qs, urlsplit

import httpx
import pytest
from support.hub_http import Api, ok, problem

from qai_hub.local import LocalHub


def test_a_user_knows_who_they_are_and_what_is_theirs(ada: Api) -> None:
    user = ada.get("users/auth/user/")
    assert user["email"] == "ada@example.com"
    assert user["default_project_id"].startswith("p")
    assert "token" not in user


def test_the_password_of_a_local_hub_is_the_token(hub: LocalHub, ada: Api) -> None:
    token = hub.token("ada@example.com")
    body = {"email": " ADA@example.com ", "password": token}
    with httpx.Client(base_url=hub.url) as session:
        assert ok(session.post("/api/v1/users/auth/login/", json=body)) == {"key": token}
        for wrong in ({"password": "other"}, {"email": "bob@example.com"}, {"email": "who@x"}):
            refused = session.post("/api/v1/users/auth/login/", json=body | wrong)
            assert "wrong" in problem(refused, 400)
            assert token not in refused.text


def test_devices_are_found_by_what_they_are(ada: Api) -> None:
    everything = ada.get("devices/", name="", os="")
    assert everything["total_query_count"] == len(everything["devices"]) > 80
    phones = ada.get("devices/", attributes=["vendor:samsung", "format:phone"], os="[14,16)")
    assert {device["os"] for device in phones["devices"]} == {"14", "15"}
    one = ada.get("devices/", attributes="chipset:sm8650", select="True")
    assert len(one["devices"]) == one["total_query_count"] == 1
    assert ada.get("devices/", name="Toaster")["devices"] == []
    for bad in ({"attributes": "a"}, {"os": "[14"}, {"select": "maybe"}):
        problem(ada.http.get("devices/", params=bad), 400)


def test_frameworks(ada: Api) -> None:
    names = {framework["name"] for framework in ada.get("frameworks/")["frameworks"]}
    assert {"onnx", "onnxruntime"} <= names <= {"onnx", "onnxruntime", "QAIRT"}


def test_a_model_from_its_making_to_its_name(ada: Api) -> None:
    made = ada.http.post("models/", json={"name": "net.v2 é", "model_type": "MODEL_TYPE_ONNX"})
    assert made.status_code == 201
    key = made.json()["id"]
    assert made.json()["status"] == ""
    shown = ok(ada.http.get(made.request.url.join(made.headers["Location"])))
    assert shown["model_id"] == key
    assert shown["owner"]["email"] == "ada@example.com"
    assert (shown["file_upload_complete"], shown["read_only"]) == (False, False)
    assert shown["actor_authorization"]["permissions"] == ["MODEL_CAN_VIEW", "MODEL_CAN_UPDATE"]
    assert ada.patch(f"models/{key}/", {"name": "other"})["id"] == key
    assert ada.get(f"models/{key}/")["name"] == "other"
    ada.patch(f"models/{key}/", {})
    assert ada.get(f"models/{key}/")["name"] == "other"


@pytest.mark.parametrize(
    ("path", "body"),
    [
        ("models/", {"name": "", "model_type": "MODEL_TYPE_ONNX"}),
        ("models/", {"name": "x" * 256, "model_type": "MODEL_TYPE_ONNX"}),
        ("models/", {"name": "x\x00y", "model_type": "MODEL_TYPE_ONNX"}),
        ("models/", {"name": "x", "model_type": "MODEL_TYPE_UNSPECIFIED"}),
        ("models/", {"name": "x", "model_type": "ONNX"}),
        ("models/", {"name": "x"}),
        ("datasets/", {"name": "x", "owner": {}}),
        ("datasets/", {"permanent": "yes"}),
    ],
)
def test_bad_fields_are_refused(ada: Api, path: str, body: dict[str, object]) -> None:
    assert problem(ada.http.post(path, json=body), 400).startswith("body: ")


def test_datasets_expire_unless_they_are_permanent(ada: Api) -> None:
    made = ada.post("datasets/", {"name": "images"})
    created, expires = (
        datetime.fromisoformat(made[name]) for name in ("creation_time", "expiration_time")
    )
    assert expires - created == timedelta(days=30)
    assert ada.get(f"datasets/{made['id']}/")["permanent"] is False
    kept = ada.post("datasets/", {"permanent": True})
    assert "expiration_time" not in kept
    assert ada.get(f"datasets/{kept['id']}/")["permanent"] is True
    ada.patch(f"datasets/{kept['id']}/", {"name": "renamed"})
    assert ada.get(f"datasets/{kept['id']}/")["name"] == "renamed"


def test_resources_belong_to_the_project_of_their_owner(ada: Api, bob: Api) -> None:
    own = ada.get("users/auth/user/")["default_project_id"]
    theirs = bob.get("users/auth/user/")["default_project_id"]
    model = ada.post(f"projects/{own}/models/", {"name": "x", "model_type": "MODEL_TYPE_ONNX"})
    assert ada.get(f"models/{model['id']}/")["project_id"] == own
    listed = ada.get(f"projects/{own}/models/", limit=1)["models"]
    assert [each["model_id"] for each in listed] == [model["id"]]
    dataset = ada.post("datasets/", {"project_id": own})
    assert ada.get(f"datasets/{dataset['id']}/")["project_id"] == own
    body = {"name": "x", "model_type": "MODEL_TYPE_ONNX"}
    for project in (theirs, "p00000000"):
        problem(ada.http.post(f"projects/{project}/models/", json=body), 404)
        problem(ada.http.post(f"projects/{project}/datasets/", json={}), 404)
        problem(ada.http.post("datasets/", json={"project_id": project}), 404)
        for name in ("models", "jobs", "job_summaries"):
            problem(ada.http.get(f"projects/{project}/{name}/"), 404)


def test_pages_are_linked_to_the_end(eve: Api) -> None:
    made = [eve.create_model() for _ in range(5)]
    found: list[str] = []
    url: str | None = "models/?limit=2&producer="
    assert eve.http.get(url or "").status_code == 400
    url = "models/?limit=2&offset=1"
    totals = set()
    while url is not None:
        response = eve.http.get(url)
        page = ok(response)
        totals.add(page["total_query_count"])
        found += [model["model_id"] for model in page["models"]]
        link = response.links.get("next", {}).get("url")
        if link is not None:
            assert urlsplit(link).netloc == urlsplit(str(eve.http.base_url)).netloc
            assert set(parse_qs(urlsplit(link).query)) == {"limit", "cursor"}
        url = link
    assert found == made[::-1][1:]
    assert totals == {5}
    assert len(eve.get("models/", offset=4)["models"]) == 1
    assert eve.get("models/", offset=99)["models"] == []


@pytest.mark.parametrize(
    "query", ["limit=0", "limit=1001", "offset=-1", "cursor=abc", "cursor=-1", "limit=x"]
)
def test_bad_pages_are_refused(ada: Api, query: str) -> None:
    assert query.partition("=")[0] in problem(ada.http.get(f"models/?{query}"), 400)


def test_no_token_or_a_wrong_one_opens_nothing(hub: LocalHub) -> None:
    for headers in ({}, {"Authorization": "token wrong"}):
        response = httpx.get(f"{hub.url}/api/v1/models/", headers=headers)
        problem(response, 401)
        assert response.headers["WWW-Authenticate"] == "token"


def test_unknown_ids_paths_and_methods(ada: Api) -> None:
    for path in ("models/m00000000/", "datasets/d00000000/", "jobs/j00000000/", "jobs/m1/", "x/"):
        problem(ada.http.get(path), 404)
    refused = ada.http.put("models/", json={})
    problem(refused, 405)
    assert set(refused.headers["Allow"].split(", ")) == {"GET", "POST"}
    assert ada.http.get("models").status_code == 404


def test_pages_show_nothing_to_people_who_are_not_signed_in(hub: LocalHub, ada: Api) -> None:
    key = ada.create_model("confidential")
    for path in (
        "/",
        f"/models/{key}/",
        "/models/m00000000/",
        "/jobs/j00000000/",
        "/jobs/%3Cb%3E/",
    ):
        page = httpx.get(f"{hub.url}{path}")
        # The same for what exists and what does not.
        assert page.status_code == 303
        assert page.headers["Location"].startswith("/sign-in/?to=/")
        assert "default-src 'none'" in page.headers["Content-Security-Policy"]
        assert page.text == ""


def test_the_contract_is_served(hub: LocalHub) -> None:
    contract = httpx.get(f"{hub.url}/openapi.json").json()
    assert contract["openapi"].startswith("3.1")
    assert "/api/v1/jobs/" in contract["paths"]


def test_requests_for_other_hosts_are_refused(hub: LocalHub) -> None:
    for host in ("evil.example", "127.0.0.1.evil.example"):
        problem(httpx.get(f"{hub.url}/api/v1/devices/", headers={"Host": host}), 421)
