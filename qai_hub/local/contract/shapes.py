"""The structure of request bodies, as far as the protobuf wire needs it."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from google.protobuf.message import Message

Json = Any
"""A JSON value as the standard library decodes it."""

# Returns the schema at a JSON pointer, with references followed, and its own pointer.
Resolve = Callable[[str], tuple[Json, str]]

_DEFAULTS: Mapping[str, Json] = {"string": "", "integer": 0, "number": 0.0, "boolean": False}


@dataclass(frozen=True, slots=True)
class Shape:
    """The structure of a request body, or of a part of it.

    Attributes:
        properties: The shapes of its properties; for a list, those of the properties of its items.
        defaults: Default values of properties that may be absent. The protobuf wire cannot
            distinguish an absent property from its default.
        max_items: Maximum number of items of a list; None if it is not a list.
    """

    properties: Mapping[str, "Shape"] = field(default_factory=dict)
    defaults: Mapping[str, Json] = field(default_factory=dict)
    max_items: int | None = None

    def prune(self, message: "Message", where: str = "") -> None:
        """Clear fields that the schema does not have, before the message is converted.

        A message of some hundred kilobytes can hold hundreds of thousands of empty ones, each of
        which costs time.

        Args:
            message: A body that came as protobuf.
            where: JSON pointer to the message.

        Raises:
            ValueError: A list has too many items.
        """
        for descriptor, value in message.ListFields():
            shape = self.properties.get(descriptor.name)
            pointer = f"{where}/{descriptor.name}"
            if shape is None:
                message.ClearField(descriptor.name)
                continue
            items = [value]
            if shape.max_items is not None:
                if len(value) > shape.max_items:
                    raise ValueError(f"{pointer}: has more than {shape.max_items} items")
                items = value
            if shape.properties:
                for item in items:
                    shape.prune(item, pointer)

    def to_json_form(self, value: Json) -> Json:
        """Return a body that came as protobuf in the form that it would have as JSON.

        Args:
            value: The body, with every field of its message.

        Returns:
            The body without default values of optional properties, and without fields that the
            schema does not have.
        """
        if isinstance(value, list):
            return [self.to_json_form(item) for item in value]
        if not self.properties or not isinstance(value, dict):
            return value
        return {
            name: shape.to_json_form(value[name])
            for name, shape in self.properties.items()
            if name in value and not self._is_default(name, value[name])
        }

    def _is_default(self, name: str, value: Json) -> bool:
        return name in self.defaults and value == self.defaults[name]


def read_shape(resolve: Resolve, pointer: str) -> Shape:
    """Return the shape of the schema at a JSON pointer.

    Args:
        resolve: Finds schemas.
        pointer: Pointer to the schema of a request; request schemas are not recursive.

    Returns:
        Its shape.
    """
    schema, where = resolve(pointer)
    if schema.get("type") == "array":
        return replace(read_shape(resolve, f"{where}/items"), max_items=schema.get("maxItems"))
    properties: dict[str, Shape] = {}
    defaults: dict[str, Json] = {}
    for name, definition in schema.get("properties", {}).items():
        properties[name] = read_shape(resolve, f"{where}/properties/{name}")
        presence = definition.get("x-protobuf-field", {}).get("presence")
        kind = resolve(f"{where}/properties/{name}")[0]
        if name in schema.get("required", ()):
            continue
        if presence == "repeated":
            defaults[name] = []
        elif presence == "plain" and kind.get("type") != "object":
            defaults[name] = _zero_value(kind)
    return Shape(properties, defaults)


def _zero_value(schema: Json) -> Json:
    for value, number in schema.get("x-protobuf-enum-values", {}).items():
        if number == 0:
            return value
    return _DEFAULTS[schema["type"]]
