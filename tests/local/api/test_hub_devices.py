"""Devices over HTTP: what is listed, and which one a job gets."""

import pytest
from support.hub_http import Api, problem

FAMILY = "Samsung Galaxy S24 (Family)"


def test_a_family_is_listed_and_its_member_selected(ada: Api) -> None:
    (listed,) = ada.get("devices/", name=FAMILY)["devices"]
    (selected,) = ada.get("devices/", name=FAMILY, select="True")["devices"]
    assert (listed["name"], selected["name"]) == (FAMILY, "Samsung Galaxy S24")
    assert {**listed, "name": ""} == {**selected, "name": ""}


def test_the_device_selected_has_the_latest_operating_system(ada: Api) -> None:
    query = {"name": "Samsung Galaxy S22 5G"}
    assert [each["os"] for each in ada.get("devices/", **query)["devices"]] == ["12", "13"]
    (selected,) = ada.get("devices/", **query, select="True")["devices"]
    assert selected["os"] == "13"


def test_jobs_for_a_family_are_for_a_member(ada: Api) -> None:
    model = ada.upload_model()
    devices = {"devices": [{"name": FAMILY, "os": "14"}, {"name": "SA8295P ADP"}]}
    body = {"compile_job": {"model": {"model_id": model}, "devices": devices}}
    job = ada.job(str(ada.post("jobs/", body)["id"]))
    assert job["device"]["name"] == "Samsung Galaxy S24"
    names = [each["name"] for each in job["devices"]["devices"]]
    assert names == ["Samsung Galaxy S24", "SA8295P ADP"]


@pytest.mark.parametrize("name", ["Samsung Galaxy S20 (Family)", "Samsung Galaxy S24 (family)"])
def test_an_unknown_family_makes_no_job(ada: Api, name: str) -> None:
    model = ada.upload_model()
    before = ada.get("jobs/", limit=1)["total_query_count"]
    body = {"compile_job": {"model": {"model_id": model}, "devices": {"devices": [{"name": name}]}}}
    said = problem(ada.http.post("jobs/", json=body), 404)
    assert name in said
    assert "Did you mean" in said
    assert ada.get("jobs/", limit=1)["total_query_count"] == before
