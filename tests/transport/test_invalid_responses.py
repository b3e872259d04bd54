"""Answers that break the contract: an error of this package, which tells whose fault it is."""

from typing import Any

import pytest
from support.routed_hub import RoutedHub, Routes
from support.scripted_server import json_reply

import qai_hub as hub
from qai_hub.client import Client, ClientConfig

DEVICE = {"name": "Phone", "os": "14", "attributes": [], "soc_description": ""}
FRAMEWORK = {"name": "onnx", "api_version": "1", "api_tags": [], "full_version": "1"}


def client_of(server: RoutedHub) -> Client:
    return Client(ClientConfig(api_token="t", api_url=server.url, verbose=False))


@pytest.mark.parametrize("array", [None, 5, 2.5, True])
def test_what_is_no_array_where_one_belongs(array: Any) -> None:
    answers: Routes = {
        "GET /api/v1/devices/": json_reply(
            {"devices": [{**DEVICE, "attributes": array}], "total_query_count": 1}
        ),
        "GET /api/v1/frameworks/": json_reply(
            {"frameworks": [{**FRAMEWORK, "api_tags": array}], "total_query_count": 1}
        ),
        "GET /api/v1/models/": json_reply({"models": array, "total_query_count": 1}),
    }
    with RoutedHub(answers) as server:
        client = client_of(server)
        assert [(one.name, one.attributes) for one in client.get_devices()] == [("Phone", [])]
        assert [(one.name, one.api_tags) for one in client.get_frameworks()] == [("onnx", [])]
        with pytest.raises(hub.InternalError, match="unexpected answer"):
            client.get_models()
