"""What `openapi.yaml` is beyond valid: told in full, with examples that fit, and bounded."""

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import jsonschema_rs
import pytest
import yaml

Node = dict[str, Any]

CONTRACT: Node = yaml.load(
    (Path(__file__).parents[2] / "openapi.yaml").read_text("utf-8"),
    Loader=getattr(yaml, "CSafeLoader", yaml.SafeLoader),
)
METHODS = ("get", "put", "post", "patch", "delete")
OPERATIONS: dict[str, tuple[str, str, Node]] = {
    item[method]["operationId"]: (path, method, item[method])
    for path, item in CONTRACT["paths"].items()
    for method in METHODS
    if method in item
}
each_operation = pytest.mark.parametrize("operation_id", OPERATIONS)


def resolved(node: Node) -> Node:
    """Follow a reference within the contract."""
    while "$ref" in node:
        target: Any = CONTRACT
        for part in node["$ref"].removeprefix("#/").split("/"):
            target = target[part]
        node = target
    return node


def parameters_of(operation_id: str) -> list[Node]:
    path, _, operation = OPERATIONS[operation_id]
    shared = CONTRACT["paths"][path].get("parameters", [])
    return [resolved(parameter) for parameter in [*shared, *operation.get("parameters", [])]]


def responses_of(operation_id: str) -> dict[str, Node]:
    responses = OPERATIONS[operation_id][2]["responses"]
    return {status: resolved(response) for status, response in responses.items()}


def json_bodies_of(operation_id: str) -> Iterator[tuple[str, Node]]:
    operation = OPERATIONS[operation_id][2]
    bodies = {"request": resolved(operation.get("requestBody", {})), **responses_of(operation_id)}
    for name, body in bodies.items():
        for media_type, content in body.get("content", {}).items():
            if media_type.endswith("json"):
                yield name, content


def schemas_under(node: Any, where: str = "#") -> Iterator[tuple[str, Node]]:
    """Yield every schema that the contract writes out, with its place."""
    if isinstance(node, list):
        for index, value in enumerate(node):
            yield from schemas_under(value, f"{where}/{index}")
    elif isinstance(node, dict):
        if isinstance(node.get("type"), str | list) and not where.endswith("/properties"):
            yield where, node
        for key, value in node.items():
            if key not in {"example", "examples", "default", "enum", "const"} and key[:2] != "x-":
                yield from schemas_under(value, f"{where}/{key}")


def examples_in(node: Node) -> list[Any]:
    examples = [example["value"] for example in node.get("examples", {}).values()]
    return [*examples, node["example"]] if "example" in node else examples


def test_operation_ids_are_unique() -> None:
    written = [
        item[method]["operationId"]
        for item in CONTRACT["paths"].values()
        for method in METHODS
        if method in item
    ]
    assert len(written) == len(set(written)) == len(OPERATIONS)


def test_paths_end_with_a_slash_and_declare_their_parameters() -> None:
    for operation_id, (path, _, _) in OPERATIONS.items():
        if path == "/healthz":
            continue  # where what watches over servers looks for it
        assert path.startswith("/api/v1/")
        assert path.endswith("/")
        declared = {p["name"] for p in parameters_of(operation_id) if p["in"] == "path"}
        assert declared == set(re.findall(r"{(\w+)}", path)), path


@each_operation
def test_operation_is_described(operation_id: str) -> None:
    _, _, operation = OPERATIONS[operation_id]
    assert re.fullmatch(r"[a-z]+([A-Z][a-z0-9]*)*", operation_id)
    assert len(operation["tags"]) == 1
    assert operation["tags"][0] in {tag["name"] for tag in CONTRACT["tags"]}
    assert re.fullmatch(r"[A-Z].{2,78}[^.]", operation["summary"])
    assert re.fullmatch(r"[A-Z].*\.", operation["description"], re.DOTALL)
    assert operation["security"] in ([], [{"token": []}])


@each_operation
def test_parameters_are_described_with_an_example_that_fits(operation_id: str) -> None:
    for parameter in parameters_of(operation_id):
        assert parameter["description"].endswith("."), parameter["name"]
        assert examples_in(parameter), parameter["name"]
        for example in examples_in(parameter):
            check_example(parameter["schema"], example)


@each_operation
def test_json_bodies_have_examples_that_fit(operation_id: str) -> None:
    for name, content in json_bodies_of(operation_id):
        assert examples_in(content), name
        for example in examples_in(content):
            check_example(content["schema"], example)


def check_example(schema: Node, example: Any) -> None:
    validator = jsonschema_rs.Draft202012Validator(
        {**schema, "components": CONTRACT["components"]}, validate_formats=True
    )
    errors = [
        f"{list(error.instance_path)}: {error.message}" for error in validator.iter_errors(example)
    ]
    assert not errors


@each_operation
def test_every_outcome_is_declared(operation_id: str) -> None:
    path, _, operation = OPERATIONS[operation_id]
    responses = responses_of(operation_id)
    expected = {"429", "500", "503"}
    if operation["security"]:
        expected |= {"401", "406"}
    if "{" in path:
        expected.add("404")
    if "requestBody" in operation:
        expected |= {"400", "408", "413", "415"}
    assert expected <= responses.keys()
    assert sum(status.startswith("2") for status in responses) >= 1
    for status, response in responses.items():
        assert "X-Request-Id" in response["headers"], status
        if status.startswith(("4", "5")):
            assert list(response["content"]) == ["application/problem+json"], status


@each_operation
def test_bodies_are_no_larger_than_a_hub_can_read_in_a_moment(
    operation_id: str,
) -> None:
    body = resolved(OPERATIONS[operation_id][2].get("requestBody", {}))
    if "application/json" in body.get("content", {}):
        assert 1 << 10 <= body["x-max-bytes"] <= 1 << 20
        if OPERATIONS[operation_id][2]["security"] == []:
            assert body["x-max-bytes"] <= 16 << 10
    elif body:
        signature = {parameter["name"] for parameter in parameters_of(operation_id)}
        assert "signature" in signature


@each_operation
def test_creates_are_replayable_and_lead_on(operation_id: str) -> None:
    _, method, operation = OPERATIONS[operation_id]
    # Its answer is a secret, which would have to be stored.
    if method != "post" or not operation["security"] or operation_id == "createSignInLink":
        return
    assert "Idempotency-Key" in {parameter["name"] for parameter in parameters_of(operation_id)}
    created = responses_of(operation_id).get("201")
    if created:
        assert "Location" in created["headers"]
        assert created["links"]
        for link in created["links"].values():
            assert link["operationId"] in OPERATIONS


def test_lists_page_by_cursor_and_link() -> None:
    for operation_id in OPERATIONS:
        names = {parameter["name"] for parameter in parameters_of(operation_id)}
        if "offset" in names:
            assert {"limit", "cursor"} <= names
            assert "Link" in responses_of(operation_id)["200"]["headers"]


def test_every_value_is_bounded() -> None:
    places = {key: value for key, value in CONTRACT["components"].items() if "Schemes" not in key}
    schemas = schemas_under({"paths": CONTRACT["paths"], "components": places})
    unbounded = [where for where, schema in schemas if not is_bounded(schema)]
    assert not unbounded


def is_bounded(schema: Node) -> bool:
    kind = schema["type"]
    if kind in {"boolean", "object", "number"} or schema.keys() & {"enum", "const"}:
        return True
    if schema.get("format") == "binary":
        return True  # a file: the signature of its URL limits its size
    needed = {"string": ["maxLength"], "integer": ["minimum", "maximum"], "array": ["maxItems"]}
    return all(limit in schema for limit in needed[kind])


def test_every_schema_and_property_is_described() -> None:
    missing = [
        name
        for name, schema in CONTRACT["components"]["schemas"].items()
        if not schema.get("description")
    ]
    missing += [
        f"{where}/{name}"
        for where, schema in schemas_under(CONTRACT["components"]["schemas"])
        for name, value in schema.get("properties", {}).items()
        if not value.get("description")
    ]
    assert not missing
