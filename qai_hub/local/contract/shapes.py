"""What request bodies hold, as far as the protobuf wire must know it."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from google.protobuf.message import Message

Json = Any
"""A JSON value as the standard library decodes it."""

# From a JSON pointer to the schema there, references followed, and where that stands.
Resolve = Callable[[str], tuple[Json, str]]

_DEFAULTS: Mapping[str, Json] = {"string": "", "integer": 0, "number": 0.0, "boolean": False}


@dataclass(frozen=True, slots=True)
class Shape:
    """What a request body, or a part of it, holds.

    Attributes:
        properties: What its properties hold; of a list, what those of its items do.
        defaults: Values of properties that may be absent, and that the protobuf wire gives in that
            case: it cannot tell the two apart.
        most: Most items that a list may have; None where it is no list.
    """

    properties: Mapping[str, "Shape"] = field(default_factory=dict)
    defaults: Mapping[str, Json] = field(default_factory=dict)
    most: int | None = None

    def prune(self, message: "Message", where: str = "") -> None:
        """Clear what a message has no place for, before anything is made of it.

        A message of some hundred kilobytes can hold as many empty ones, at a cost for each.

        Args:
            message: A body that came as protobuf.
            where: JSON pointer to it.

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
            if shape.most is not None:
                if len(value) > shape.most:
                    raise ValueError(f"{pointer}: has more than {shape.most} items")
                items = value
            if shape.properties:
                for item in items:
                    shape.prune(item, pointer)

    def trim(self, value: Json) -> Json:
        """Make a body that came as protobuf what it would be as JSON.

        Args:
            value: The body, with every field that its message has.

        Returns:
            The body without defaults of what may be absent, and without what it has no place for.
        """
        if isinstance(value, list):
            return [self.trim(item) for item in value]
        if not self.properties or not isinstance(value, dict):
            return value
        return {
            name: shape.trim(value[name])
            for name, shape in self.properties.items()
            if name in value and not self._is_default(name, value[name])
        }

    def _is_default(self, name: str, value: Json) -> bool:
        return name in self.defaults and value == self.defaults[name]


def read_shape(resolve: Resolve, pointer: str) -> Shape:
    """Read what the schema at a JSON pointer holds.

    Args:
        resolve: Finds schemas.
        pointer: The schema of a request: those refer to no schema that they are part of.

    Returns:
        Its shape.
    """
    schema, where = resolve(pointer)
    if schema.get("type") == "array":
        return replace(read_shape(resolve, f"{where}/items"), most=schema.get("maxItems"))
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
            defaults[name] = _default(kind)
    return Shape(properties, defaults)


def _default(schema: Json) -> Json:
    for value, number in schema.get("x-protobuf-enum-values", {}).items():
        if number == 0:
            return value
    return _DEFAULTS[schema["type"]]
