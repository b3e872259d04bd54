"""The reference of the API, from the contract, in which each operation can be tried."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from starlette.responses import Response

from qai_hub.local.contract import Contract
from qai_hub.local.errors import ProblemError
from qai_hub.local.pages.site import Page

Json = Mapping[str, Any]

_METHODS: Final = ("get", "post", "put", "patch", "delete")
_SCHEMAS: Final = "#/components/schemas/"
# Constraints of the contract, and how they read.
_LIMITS: Final = {
    "format": "{}",
    "minLength": "at least {} characters",
    "maxLength": "at most {} characters",
    "minimum": "at least {}",
    "maximum": "at most {}",
    "minItems": "at least {} of them",
    "maxItems": "at most {} of them",
    "pattern": "like {}",
    "default": "{} if absent",
}


@dataclass(frozen=True, slots=True)
class Type:
    """The type of a value.

    Attributes:
        text: What it is, in words.
        schema: The schema in the contract that describes it, or its items; empty for none.
        values: The values that it can have; empty for any.
        limits: What else holds for it, in words.
    """

    text: str
    schema: str = ""
    values: Sequence[Any] = ()
    limits: Sequence[str] = ()


@dataclass(frozen=True, slots=True)
class Field:
    """A parameter of an operation, or a property of an object.

    Attributes:
        name: Its name.
        required: Whether it must be there.
        type: The type of its value.
        description: What it means.
        place: `path`, `query` or `header` for a parameter; empty for a property.
    """

    name: str
    required: bool
    type: Type
    description: str
    place: str = ""


@dataclass(frozen=True, slots=True)
class Answer:
    """A response that an operation may have.

    Attributes:
        status: Its HTTP status.
        description: When it is sent.
        schema: The schema of its body; empty for none.
    """

    status: str
    description: str
    schema: str


@dataclass(frozen=True, slots=True)
class OperationFacts:
    """An operation, as a person reads of it.

    Attributes:
        id: Its operationId.
        method: Its HTTP method.
        path: The template of its path.
        group: What it belongs to.
        summary: What it does, in a few words.
        description: What it does.
        parameters: Its parameters.
        body: The schema of its body in JSON; empty if it has none.
        examples: Bodies, by what they are.
        answers: Its responses.
        reason: Why it cannot be tried on its page; empty if it can.
    """

    id: str
    method: str
    path: str
    group: str
    summary: str
    description: str
    parameters: Sequence[Field]
    body: str
    examples: Mapping[str, Any]
    answers: Sequence[Answer]
    reason: str

    @property
    def inputs(self) -> list[Field]:
        """The parameters that are in its URL."""
        return [each for each in self.parameters if each.place in ("path", "query")]


@dataclass(frozen=True, slots=True)
class SchemaFacts:
    """A schema, as a person reads of it.

    Attributes:
        name: Its name.
        description: What it describes.
        type: Its type.
        fields: Its properties; empty if it is no object.
    """

    name: str
    description: str
    type: Type
    fields: Sequence[Field]


@dataclass(frozen=True, slots=True)
class Reference:
    """The operations and schemas of a contract.

    Attributes:
        operations: The operations, by operationId.
        schemas: The schemas, by name.
    """

    operations: Mapping[str, OperationFacts]
    schemas: Mapping[str, SchemaFacts]

    @classmethod
    def of(cls, contract: Contract) -> "Reference":
        """Read a contract."""
        reader = _Reader(contract.document)
        return cls(
            {each.id: each for each in reader.operations()},
            {each.name: each for each in reader.schemas()},
        )

    def show(self, page: Page) -> Response:
        """Show all operations and schemas."""
        return page.render("reference.html", reference=self)

    def show_schema(self, page: Page) -> Response:
        """Show a schema."""
        found = self.schemas.get(page.request.path_params["name"])
        if found is None:
            raise ProblemError(404, "The contract has no such schema.")
        return page.render("schema.html", schema=found)

    def find(self, operation: str) -> OperationFacts:
        """Return an operation.

        Raises:
            ProblemError: 404 if there is none.
        """
        found = self.operations.get(operation)
        if found is None:
            raise ProblemError(404, "The contract has no such operation.")
        return found


class _Reader:
    """Reads an OpenAPI document."""

    def __init__(self, document: Json) -> None:
        self._document = document

    def operations(self) -> Iterator[OperationFacts]:
        for path, item in self._document["paths"].items():
            for method in _METHODS:
                if method in item:
                    yield self._operation(path, method, item, item[method])

    def schemas(self) -> Iterator[SchemaFacts]:
        for name, schema in self._document["components"]["schemas"].items():
            yield SchemaFacts(
                name, schema.get("description", ""), self._type(schema), self._properties(schema)
            )

    def _operation(self, path: str, method: str, item: Json, operation: Json) -> OperationFacts:
        listed = [*operation.get("parameters", ()), *item.get("parameters", ())]
        body = self._resolve(operation.get("requestBody", {})).get("content", {})
        content = body.get("application/json", {})
        examples = {
            each.get("summary", name): each["value"]
            for name, each in content.get("examples", {}).items()
        }
        if "example" in content:
            examples["Example"] = content["example"]
        return OperationFacts(
            id=operation["operationId"],
            method=method.upper(),
            path=path,
            group=operation["tags"][0],
            summary=operation["summary"],
            description=operation.get("description", ""),
            parameters=[self._parameter(self._resolve(each)) for each in listed],
            body=self._type(content["schema"]).schema if content else "",
            examples=examples,
            answers=[*map(self._answer, *zip(*operation["responses"].items(), strict=True))],
            reason=_reason(operation, path),
        )

    def _parameter(self, parameter: Json) -> Field:
        return Field(
            parameter["name"],
            parameter.get("required", False),
            self._type(parameter["schema"]),
            parameter.get("description", ""),
            parameter["in"],
        )

    def _answer(self, status: str, response: Json) -> Answer:
        found = self._resolve(response)
        schemas = [
            self._type(content["schema"]).schema
            for content in found.get("content", {}).values()
            if "schema" in content
        ]
        return Answer(status, found["description"], next(iter(schemas), ""))

    def _properties(self, schema: Json) -> list[Field]:
        required = schema.get("required", ())
        return [
            Field(
                name,
                name in required,
                self._type(each),
                each.get("description", self._resolve(each).get("description", "")),
            )
            for name, each in schema.get("properties", {}).items()
        ]

    def _type(self, schema: Json) -> Type:
        if "$ref" in schema:
            name = schema["$ref"].removeprefix(_SCHEMAS)
            return Type(name, name, self._resolve(schema).get("enum", ()))
        kinds = schema.get("type", "any value")
        text = " or ".join(kinds) if isinstance(kinds, list) else kinds
        limits = [form.format(schema[key]) for key, form in _LIMITS.items() if key in schema]
        if text == "array":
            items = self._type(schema["items"])
            return Type(f"list of {items.text}", items.schema, items.values, limits)
        return Type(text, "", schema.get("enum", ()), limits)

    def _resolve(self, value: Json) -> Json:
        while "$ref" in value:
            found: Any = self._document
            for step in value["$ref"].removeprefix("#/").split("/"):
                found = found[step]
            value = found
        return value


def _reason(operation: Json, path: str) -> str:
    """Return why an operation cannot be tried on its page."""
    if "/storage/" in path:
        return "Its URLs are signed: other operations return them."
    if operation["operationId"] in ("createSignInLink", "logIn"):
        # A link would sign browsers in beyond the token that this one's session ends with.
        return "It is for programs that have a token."
    return ""
