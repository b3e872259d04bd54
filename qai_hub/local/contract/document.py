"""The contract as the server uses it: operations with compiled validators."""

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from functools import cache, cached_property
from importlib import resources
from urllib.parse import quote

import jsonschema_rs

from qai_hub.local.contract.shapes import Json, Shape, read_shape

_URI = "urn:contract"
_METHODS = ("get", "put", "post", "delete", "patch")

__all__ = ["Body", "Contract", "ContractError", "Json", "Operation", "Parameter"]


class ContractError(Exception):
    """The server does not match the contract, or the contract is malformed."""


@dataclass(frozen=True, slots=True)
class Parameter:
    """A parameter of an operation.

    Attributes:
        name: Its name.
        location: `path`, `query` or `header`.
        required: Whether a request without it is refused.
        kind: JSON type of its value.
        item_kind: JSON type of its items, if it is an array.
        default: Its value when absent; None if there is no default.
        validator: Checks the parsed value.
    """

    name: str
    location: str
    required: bool
    kind: str
    item_kind: str
    default: Json
    validator: jsonschema_rs.Validator


@dataclass(frozen=True, slots=True)
class Body:
    """The request body of an operation.

    Attributes:
        media_types: The media types that may be sent.
        max_bytes: Maximum size in bytes; None if the handler reads the stream itself.
        required: Whether a request without it is refused.
        validator: Checks the decoded body; None if the handler reads the stream itself.
        choices: Groups of properties of which exactly one must be present, by group name.
        message: Name of its protobuf message; None if it is JSON on every wire.
        shape: Its structure, for the protobuf wire.
    """

    media_types: tuple[str, ...]
    max_bytes: int | None
    required: bool
    validator: jsonschema_rs.Validator | None
    choices: Mapping[str, tuple[str, ...]]
    message: str | None
    shape: Shape


@dataclass(frozen=True)
class Operation:
    """One method of one path.

    Attributes:
        id: Its operationId.
        method: HTTP method in capitals.
        path: Path template.
        secured: Whether a token is required.
        parameters: Its parameters.
        body: Its request body, if it has one.
        status: The first success status that it declares.
        response_media_types: Media types of its successful responses.
        message: Name of the protobuf message of its response; None if the response is JSON on every
            wire.
        bare_message: Name of the inner message that is sent without its wrapper to callers that
            cannot use storage credentials; None if there is no such form.
    """

    id: str
    method: str
    path: str
    secured: bool
    parameters: tuple[Parameter, ...]
    body: Body | None
    status: int
    response_media_types: tuple[str, ...]
    message: str | None
    bare_message: str | None
    _pointer: str = field(repr=False)
    _contract: "Contract" = field(repr=False)

    @cached_property
    def response_validators(self) -> Mapping[int, Mapping[str, jsonschema_rs.Validator]]:
        """Validators of its responses, by status and media type."""
        return self._contract.response_validators(self._pointer)


class Contract:
    """An OpenAPI 3.1 document with its JSON Schemas compiled.

    Args:
        document: The document, as JSON.

    Attributes:
        operations: Its operations.
        paths: Their path templates, by operationId.

    Raises:
        ContractError: The document lacks something that the server needs.
    """

    def __init__(self, document: Mapping[str, Json]) -> None:
        self.document = document
        self._registry = jsonschema_rs.Registry(
            [(_URI, dict(document))], draft=jsonschema_rs.Draft202012
        )
        self.operations = tuple(self._read_operations())
        self.paths = {operation.id: operation.path for operation in self.operations}

    @classmethod
    @cache
    def load(cls) -> "Contract":
        """Load the contract that is installed with the generated client, once per process."""
        text = resources.files("qai_hub_api").joinpath("openapi.json").read_text("utf-8")
        return cls(json.loads(text))

    def enum_values(self, name: str) -> Mapping[str, int]:
        """Return the wire numbers of an enum's values, by name."""
        values: Mapping[str, int] = self._get(f"/components/schemas/{name}/x-protobuf-enum-values")
        return values

    def response_validators(
        self, pointer: str
    ) -> Mapping[int, Mapping[str, jsonschema_rs.Validator]]:
        """Compile the validators of the responses of the operation at a JSON pointer."""
        found: dict[int, dict[str, jsonschema_rs.Validator]] = {}
        for status in self._get(pointer)["responses"]:
            response, where = self._resolve(f"{pointer}/responses/{status}")
            found[int(status)] = {
                media: self._compile_validator(f"{where}/content/{_escape_pointer(media)}/schema")
                for media in response.get("content", {})
            }
        return found

    def _read_operations(self) -> Iterator[Operation]:
        seen: set[str] = set()
        for path, item in self.document["paths"].items():
            for method in _METHODS:
                if method not in item:
                    continue
                operation = self._read_operation(path, method)
                if operation.id in seen:
                    raise ContractError(f"operationId {operation.id} occurs twice")
                seen.add(operation.id)
                yield operation

    def _read_operation(self, path: str, method: str) -> Operation:
        item_pointer = f"/paths/{_escape_pointer(path)}"
        pointer = f"{item_pointer}/{method}"
        item, definition = self._get(item_pointer), self._get(pointer)
        if "operationId" not in definition:
            raise ContractError(f"{method.upper()} {path} has no operationId")
        # A parameter of the operation overrides the same parameter of its path.
        parameters = {
            (parameter.location, parameter.name): parameter
            for owner, where in ((item, item_pointer), (definition, pointer))
            for parameter in (
                self._read_parameter(f"{where}/parameters/{index}")
                for index in range(len(owner.get("parameters", ())))
            )
        }
        successes = sorted(int(s) for s in definition["responses"] if s.startswith("2"))
        if not successes:
            raise ContractError(f"{definition['operationId']} declares no success status")
        media_types: dict[str, None] = {}
        for status in successes:
            response, _ = self._resolve(f"{pointer}/responses/{status}")
            media_types.update(dict.fromkeys(response.get("content", {})))
        return Operation(
            id=definition["operationId"],
            method=method.upper(),
            path=path,
            secured=bool(definition.get("security", self.document.get("security"))),
            parameters=tuple(parameters.values()),
            body=self._read_body(pointer, definition),
            status=successes[0],
            response_media_types=tuple(media_types),
            message=definition.get("x-protobuf-response"),
            bare_message=definition.get("x-protobuf-response-bare"),
            _pointer=pointer,
            _contract=self,
        )

    def _read_parameter(self, pointer: str) -> Parameter:
        definition, where = self._resolve(pointer)
        schema, _ = self._resolve(f"{where}/schema")
        kind = schema.get("type", "string")
        item_kind = "string"
        if kind == "array":
            items, _ = self._resolve(f"{where}/schema/items")
            item_kind = items.get("type", "string")
        return Parameter(
            name=definition["name"],
            location=definition["in"],
            required=definition.get("required", False),
            kind=kind,
            item_kind=item_kind,
            default=schema.get("default"),
            validator=self._compile_validator(f"{where}/schema"),
        )

    def _read_body(self, pointer: str, definition: Mapping[str, Json]) -> Body | None:
        if "requestBody" not in definition:
            return None
        body, where = self._resolve(f"{pointer}/requestBody")
        media_types = tuple(body["content"])
        validator, choices, shape = None, {}, Shape()
        if "application/json" in media_types:
            schema_pointer = f"{where}/content/{_escape_pointer('application/json')}/schema"
            validator = self._compile_validator(schema_pointer)
            choices = _read_choices(self._resolve(schema_pointer)[0])
            shape = read_shape(self._resolve, schema_pointer)
            if "x-max-bytes" not in body:
                raise ContractError(f"the body of {definition['operationId']} has no x-max-bytes")
        return Body(
            media_types,
            body.get("x-max-bytes"),
            body.get("required", False),
            validator,
            choices,
            definition.get("x-protobuf-request"),
            shape,
        )

    def _compile_validator(self, pointer: str) -> jsonschema_rs.Validator:
        return jsonschema_rs.Draft202012Validator(
            {"$ref": f"{_URI}#{quote(pointer, safe='/~')}"},
            registry=self._registry,
            validate_formats=True,
            offline=True,
        )

    def _get(self, pointer: str) -> Json:
        value: Json = self.document
        for step in pointer.split("/")[1:]:
            key = step.replace("~1", "/").replace("~0", "~")
            try:
                value = value[int(key)] if isinstance(value, list) else value[key]
            except (KeyError, IndexError) as error:
                raise ContractError(f"the contract has nothing at #{pointer}") from error
        return value

    def _resolve(self, pointer: str) -> tuple[Json, str]:
        """Follow the references at a pointer; return the value found, and its own pointer."""
        value = self._get(pointer)
        while "$ref" in value:
            pointer = value["$ref"].removeprefix("#")
            value = self._get(pointer)
        return value, pointer


def _read_choices(schema: Mapping[str, Json]) -> dict[str, tuple[str, ...]]:
    groups: dict[str, tuple[str, ...]] = {}
    for name, definition in schema.get("properties", {}).items():
        group = definition.get("x-protobuf-oneof")
        if group is not None:
            groups[group] = (*groups.get(group, ()), name)
    return groups


def _escape_pointer(step: str) -> str:
    return step.replace("~", "~0").replace("/", "~1")
