"""A contract of four operations, served without a hub."""

import asyncio
from typing import Any

import httpx
from starlette.requests import Request
from starlette.routing import Router

from qai_hub.local.contract import Call, Contract, Handler, Reply, build_routes, get_caller
from qai_hub.local.server.middleware import OuterMiddleware, not_found

MAX_BODY = 1 << 20
ID = {"type": "string", "pattern": "^t[a-z0-9]{1,8}$"}


def problem() -> dict[str, Any]:
    return {"description": "no", "content": {"application/problem+json": {"schema": {}}}}


SPEC: dict[str, Any] = {
    "openapi": "3.1.0",
    "info": {"title": "things", "version": "1"},
    "security": [{"token": []}],
    "components": {
        "parameters": {
            "Limit": {
                "name": "limit",
                "in": "query",
                "schema": {"type": "integer", "minimum": 1, "maximum": 10, "default": 5},
            }
        },
        "schemas": {
            "Thing": {
                "type": "object",
                "required": ["size"],
                "properties": {
                    "size": {"type": "integer", "minimum": 0, "maximum": 2**64 - 1},
                    "color": {"type": "string", "enum": ["RED", "GREEN"]},
                    "when": {"type": "string", "format": "date-time"},
                    "tags": {"type": "array", "maxItems": 2, "items": {"type": "string"}},
                },
                "additionalProperties": False,
            },
            "Submit": {
                "type": "object",
                "minProperties": 1,
                "maxProperties": 1,
                "additionalProperties": False,
                "properties": {
                    "big": {"$ref": "#/components/schemas/Thing", "x-protobuf-oneof": "job"},
                    "small": {"$ref": "#/components/schemas/Thing", "x-protobuf-oneof": "job"},
                },
            },
        },
    },
    "paths": {
        "/things/": {
            "get": {
                "operationId": "listThings",
                "parameters": [
                    {"$ref": "#/components/parameters/Limit"},
                    {"name": "all", "in": "query", "schema": {"type": "boolean"}},
                    {"name": "ratio", "in": "query", "schema": {"type": "number"}},
                    {
                        "name": "tag",
                        "in": "query",
                        "schema": {"type": "array", "items": {"type": "integer"}},
                    },
                    {
                        "name": "X-Key",
                        "in": "header",
                        "schema": {"type": "string", "pattern": "^[!-~]+$"},
                    },
                ],
                "responses": {
                    "200": {"content": {"application/json": {"schema": {"type": "object"}}}},
                    "400": problem(),
                },
            },
            "post": {
                "operationId": "makeThing",
                "requestBody": {
                    "x-max-bytes": MAX_BODY,
                    "required": True,
                    "content": {
                        "application/json": {"schema": {"$ref": "#/components/schemas/Submit"}}
                    },
                },
                "responses": {
                    "201": {
                        "content": {
                            "application/json": {"schema": {"$ref": "#/components/schemas/Thing"}}
                        }
                    },
                    "400": problem(),
                },
            },
        },
        "/things/{thing_id}/": {
            "parameters": [{"name": "thing_id", "in": "path", "required": True, "schema": ID}],
            "get": {
                "operationId": "getThing",
                "security": [],
                "responses": {
                    "200": {"content": {"application/json": {"schema": {"type": "object"}}}},
                    "404": problem(),
                },
            },
            "put": {
                "operationId": "putThing",
                "requestBody": {
                    "required": True,
                    "content": {"application/octet-stream": {"schema": {"format": "binary"}}},
                },
                "responses": {"200": {"description": "taken"}},
            },
        },
    },
}


async def echo(call: Call) -> Reply:
    body = {"params": dict(call.params), "body": call.body, "caller": call.caller}
    return Reply(body, headers={"X-Operation": call.operation.id})


async def make(call: Call) -> Reply:
    return Reply(next(iter(call.body.values())))


async def take(call: Call) -> Reply:
    size = 0
    async for chunk in call.request.stream():
        size += len(chunk)
    return Reply(headers={"X-Size": str(size)})


async def nobody(_: Request) -> None:
    return None


HANDLERS: dict[str, Handler] = {
    "listThings": echo,
    "makeThing": make,
    "getThing": echo,
    "putThing": take,
}


async def authenticate(request: Request) -> str:
    caller: str = get_caller(request, {"secret": "ada"}.get)
    return caller


def client(
    *,
    validate_responses: bool = False,
    hosts: list[str] | None = None,
    body_seconds: float = 60.0,
    patience: float = 30.0,
    **handlers: Handler,
) -> httpx.AsyncClient:
    made = build_routes(
        Contract(SPEC),
        HANDLERS | handlers,
        authenticate,
        validate_responses=validate_responses,
        body_seconds=body_seconds,
    )
    app = OuterMiddleware(Router(made, default=not_found), hosts, stall_seconds=patience)
    return httpx.AsyncClient(
        transport=httpx.ASGITransport(app, raise_app_exceptions=False),
        base_url="http://localhost",
        headers={"Authorization": "token secret"},
    )


def call(method: str, url: str, *, app: httpx.AsyncClient | None = None, **kwargs: Any) -> Any:
    async def run() -> httpx.Response:
        async with app or client() as session:
            return await session.request(method, url, **kwargs)

    return asyncio.run(run())


def detail(response: httpx.Response, status: int) -> str:
    assert response.status_code == status, response.text
    assert response.headers["content-type"] == "application/problem+json"
    body = response.json()
    assert body["status"] == status
    assert body["type"] == "about:blank"
    assert body["title"]
    assert body["request_id"] == response.headers["X-Request-Id"]
    text: str = body["detail"]
    return text
