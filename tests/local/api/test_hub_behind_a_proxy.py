"""A hub behind a TLS proxy on the same machine: the addresses that it hands out are the proxy's."""

from collections.abc import Iterator
from urllib.parse import urlsplit

import pytest
from support.hub_http import Api, problem

from qai_hub.local import LocalHub

pytestmark = pytest.mark.shared_folder
NAME = "hub.example.com"
FORWARDED = {"Host": NAME, "X-Forwarded-Proto": "https", "X-Forwarded-For": "192.0.2.7"}


@pytest.fixture(scope="module")
def api() -> Iterator[Api]:
    with LocalHub(allowed_hosts=["Hub.Example.com"]) as hub:
        connection = Api(hub)
        yield connection
        connection.close()


def test_files_and_further_pages_are_at_the_address_of_the_proxy(api: Api) -> None:
    dataset = api.post("datasets/", {"name": "images"})["id"]
    for _ in range(2):
        api.create_model()
    form = api.http.get(f"datasets/{dataset}/upload_url/", headers=FORWARDED).json()["url"]["url"]
    link = api.http.get("models/", params={"limit": 1}, headers=FORWARDED).links["next"]["url"]
    for address in (form, link):
        assert urlsplit(address)[:2] == ("https", NAME)


def test_without_a_proxy_they_are_those_that_the_caller_used(api: Api) -> None:
    dataset = api.post("datasets/", {"name": "images"})["id"]
    form = api.get(f"datasets/{dataset}/upload_url/")["url"]["url"]
    assert urlsplit(form)[:2] == urlsplit(str(api.http.base_url))[:2]


def test_other_names_are_refused_and_the_reason_says_how_to_allow_them(api: Api) -> None:
    answer = api.http.get("models/", headers=FORWARDED | {"Host": "other.example.com"})
    assert "--allowed-host NAME" in problem(answer, 421)


def test_another_machine_is_believed_only_if_the_environment_names_it(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("FORWARDED_ALLOW_IPS", "192.0.2.1")
    with LocalHub() as hub:
        elsewhere = Api(hub)
        dataset = elsewhere.post("datasets/", {"name": "images"})["id"]
        headers = {"X-Forwarded-Proto": "https"}
        form = elsewhere.http.get(f"datasets/{dataset}/upload_url/", headers=headers).json()["url"]
        assert urlsplit(form["url"]).scheme == "http"
        elsewhere.close()
