"""Relaxes the contract for the generated client, which must accept incomplete responses.

The contract states what the hub must send, and tests hold the hub to it. Other servers may send
less: on the official wire, a message inside another message, such as a time, has explicit presence
and may be absent. So the generated client requires no such property in responses. It does not
require arrays at the root of a response either: a missing one means that this is some other
response, which the caller must be able to detect. Elsewhere, a missing array means an empty one.
"""

import copy
from collections.abc import Iterator
from typing import Any

Schema = dict[str, Any]


def as_read(contract: Schema) -> Schema:
    """Makes the properties optional that responses may lack.

    Args:
        contract: The contract.

    Returns:
        A modified copy for the generator.

    Raises:
        ValueError: If such a schema is used in both requests and responses, because requests must
            keep their required properties.
    """
    changed = copy.deepcopy(contract)
    schemas = changed["components"]["schemas"]
    operations = list(_operations(changed))
    sent = _reached(schemas, [one.get("requestBody", {}) for one in operations])
    answers = [_answers(changed, one) for one in operations]
    roots = {name for answer in answers for name in _named(answer)}
    for name in sorted(_reached(schemas, answers)):
        schema = schemas[name]
        optional = {
            key
            for key, node in schema.get("properties", {}).items()
            if _is_message(schemas, node) or (name in roots and node.get("type") == "array")
        }
        if optional and name in sent:
            raise ValueError(f"{name} stands in requests and in answers: give each its own schema.")
        if "required" in schema:
            schema["required"] = [key for key in schema["required"] if key not in optional]
            if not schema["required"]:
                del schema["required"]
    return changed


def answer_schemas(contract: Schema) -> dict[str, Schema]:
    """Returns the schemas that successful responses contain, by name, as the client reads them."""
    changed = as_read(contract)
    schemas = changed["components"]["schemas"]
    reached = _reached(schemas, [_answers(changed, one) for one in _operations(changed)])
    return {name: schemas[name] for name in sorted(reached)}


def _operations(contract: Schema) -> Iterator[Schema]:
    for item in contract["paths"].values():
        yield from (each for key, each in item.items() if key != "parameters")


def _answers(contract: Schema, operation: Schema) -> Schema:
    """Returns the successful responses of an operation."""
    shared = contract["components"].get("responses", {})
    return {
        status: shared[answer["$ref"].rpartition("/")[2]] if "$ref" in answer else answer
        for status, answer in operation["responses"].items()
        if str(status).startswith("2")
    }


def _reached(schemas: Schema, nodes: list[Schema]) -> set[str]:
    """Returns the names of the schemas that some nodes refer to, directly or indirectly."""
    found: set[str] = set()
    todo: list[object] = list(nodes)
    while todo:
        new = set(_named(todo.pop())) - found
        found |= new
        todo += [schemas[name] for name in new]
    return found


def _named(node: object) -> Iterator[str]:
    """Yields the names of the schemas that a node refers to."""
    if isinstance(node, list):
        for inner in node:
            yield from _named(inner)
    elif isinstance(node, dict):
        reference = node.get("$ref", "")
        if isinstance(reference, str) and reference.startswith("#/components/schemas/"):
            yield reference.rpartition("/")[2]
        for inner in node.values():
            yield from _named(inner)


def _is_message(schemas: Schema, node: Schema) -> bool:
    """Returns whether a property is a message on the wire: a time, or an object with a schema."""
    if "$ref" in node:
        return bool(schemas[node["$ref"].rpartition("/")[2]].get("type") == "object")
    return node.get("format") == "date-time"
