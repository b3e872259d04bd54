"""Each operation of the contract is wired: the hub has a handler, the client a function."""

import importlib
import inspect
import json
import re
from importlib import resources
from typing import Any

import pytest

from qai_hub.local import LocalHub
from qai_hub.local.contract import Contract, ContractError

CONTRACT: dict[str, Any] = json.loads(
    (resources.files("qai_hub_api") / "openapi.json").read_text("utf-8")
)
OPERATIONS = {
    operation["operationId"]: (method, path, operation)
    for path, item in CONTRACT["paths"].items()
    for method, operation in item.items()
    if method != "parameters"
}


def test_all_operations_are_counted() -> None:
    assert len(OPERATIONS) == 50


@pytest.mark.parametrize("operation_id", OPERATIONS)
def test_the_client_sends_it(operation_id: str) -> None:
    _, path, operation = OPERATIONS[operation_id]
    name = re.sub(r"(?<=[a-z])(?=[A-Z])", "_", operation_id).lower()
    module = importlib.import_module(f"qai_hub_api.api.{operation['tags'][0]}.{name}")
    for function in ("sync", "sync_detailed", "asyncio", "asyncio_detailed"):
        assert next(iter(inspect.signature(getattr(module, function)).parameters)) == "client"
    parameters = inspect.signature(module._get_kwargs).parameters
    assert set(re.findall(r"{(\w+)}", path)) <= parameters.keys()
    assert ("body" in parameters) == ("requestBody" in operation)


def test_the_hub_answers_each(monkeypatch: pytest.MonkeyPatch) -> None:
    """A hub with all handlers starts; one that lacks a handler does not, and names it."""
    with LocalHub():
        pass
    changed = json.loads(json.dumps(CONTRACT))
    path = changed["paths"]["/api/v1/jobs/{job_id}/"]
    changed["paths"]["/api/v1/jobs/{job_id}/explanation/"] = {
        "parameters": path["parameters"],
        "get": {**path["get"], "operationId": "explainJob"},
    }
    monkeypatch.setattr(Contract, "load", lambda: Contract(changed))
    with pytest.raises(ContractError, match="no handler for the operations explainJob"), LocalHub():
        pass
