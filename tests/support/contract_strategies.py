"""Hypothesis strategies for the JSON of each message, as the contract allows it in responses."""

import functools
import json
import struct
from datetime import UTC, datetime
from importlib.resources import files
from typing import Any

from hypothesis import strategies as st

PACKAGE = "qai_hub.api."
SCHEMAS: dict[str, dict[str, Any]] = json.loads(
    files("qai_hub_api").joinpath("openapi.json").read_text("utf-8")
)["components"]["schemas"]
# Where a message has several schemas: that of answers. Those of requests know fewer fields.
ANSWERS = {
    schema["x-protobuf-message"]: name
    for name, schema in sorted(
        SCHEMAS.items(), key=lambda item: item[1].get("additionalProperties") is not False
    )
    if "x-protobuf-message" in schema
}

TEXTS = st.text(st.characters(exclude_categories=["Cs"]), max_size=8)
INTEGERS = {
    "int64": st.integers(-(2**63), 2**63 - 1),
    "uint64": st.integers(0, 2**64 - 1),
    "uint32": st.integers(0, 2**32 - 1),
}


def shortest(value: float) -> float:
    """The shortest decimal number that is the same one in single precision."""
    return next(
        short
        for digits in range(1, 18)
        if struct.pack("<f", short := float(f"{value:.{digits}g}")) == struct.pack("<f", value)
    )


FLOATS = {
    # The next number of the same digits may lie beyond what single precision holds.
    "float": st.floats(-(2.0**120), 2.0**120, width=32).map(shortest),
    "double": st.floats(allow_nan=False),
}
TIMES = st.datetimes(datetime(1, 1, 1), datetime(9999, 12, 31)).map(
    lambda time: time.replace(tzinfo=UTC).isoformat(timespec="microseconds")[:-6] + "Z"
)


# Messages within messages within messages are drawn without what they may leave out.
DEPTH = 2


def values(node: dict[str, Any], depth: int) -> st.SearchStrategy[Any]:
    """Draws what a property allows."""
    if "$ref" in node:
        return of_schema(node["$ref"].rpartition("/")[2], depth)
    if node["type"] == "array":
        deep = depth == 0 and "$ref" in node["items"]
        return st.just([]) if deep else st.lists(values(node["items"], depth), max_size=2)
    if node["type"] == "object":
        keys = st.integers(0, 2**32 - 1).map(str) if "propertyNames" in node else TEXTS
        return st.dictionaries(keys, values(node["additionalProperties"], depth), max_size=3)
    if node["type"] == "string":
        return TIMES if node.get("format") == "date-time" else TEXTS
    if node["type"] == "boolean":
        return st.booleans()
    return INTEGERS[node["format"]] if node["type"] == "integer" else FLOATS[node["format"]]


@functools.cache
def of_schema(name: str, depth: int) -> st.SearchStrategy[Any]:
    """Draws what a schema allows, and enum values that it does not know yet, by number."""
    schema = SCHEMAS[name]
    if "enum" in schema:
        known = schema["x-protobuf-enum-values"].values()
        others = st.integers(20_000, 2**31 - 1).filter(lambda number: number not in known)
        return st.sampled_from(schema["enum"]) | others
    required = schema.get("required", ())
    always, optional, members = {}, {}, {}
    for field, node in schema["properties"].items():
        if "x-protobuf-field" not in node:
            continue  # in JSON only
        # A request may leave lists out; the wire cannot tell an empty one from none.
        if field in required or node["x-protobuf-field"]["presence"] in {"repeated", "map"}:
            always[field] = values(node, max(depth - 1, 0))
        elif depth and "x-protobuf-oneof" in node:
            members[field] = values(node, max(depth - 1, 0))
        elif depth:
            optional[field] = values(node, max(depth - 1, 0))
    drawn = st.fixed_dictionaries(always, optional=optional)
    if not members:
        return drawn
    one = st.none() | st.sampled_from(sorted(members)).flatmap(
        lambda field: st.tuples(st.just(field), members[field])
    )
    return st.builds(lambda rest, chosen: {**rest, **dict([chosen] if chosen else [])}, drawn, one)


def answers(message: str) -> st.SearchStrategy[dict[str, Any]]:
    """Draws the JSON of a message, by its full name."""
    return of_schema(ANSWERS[message], DEPTH)
