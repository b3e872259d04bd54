from http import HTTPStatus
from typing import Any, cast
from urllib.parse import quote

import httpx

from ... import errors, reading
from ...client import AuthenticatedClient, Client
from ...models.model_list import ModelList
from ...types import UNSET, Response, Unset


def _get_kwargs(
    project_id: str,
    *,
    offset: int | Unset = 0,
    limit: int | Unset = 50,
    cursor: str | Unset = UNSET,
    producer: str | Unset = UNSET,
) -> dict[str, Any]:

    params: dict[str, Any] = {}

    params["offset"] = offset

    params["limit"] = limit

    params["cursor"] = cursor

    params["producer"] = producer

    params = {k: v for k, v in params.items() if v is not UNSET and v is not None}

    _kwargs: dict[str, Any] = {
        "method": "get",
        "url": "/api/v1/projects/{project_id}/models/".format(
            project_id=quote(str(project_id), safe=""),
        ),
        "params": params,
    }

    return _kwargs


def _build_response(response: httpx.Response) -> Response[ModelList]:
    if not response.is_success:
        raise errors.ApiError.of(response)
    return Response(
        status_code=HTTPStatus(response.status_code),
        content=response.content,
        headers=response.headers,
        parsed=_parse(response),
    )


def _parse(response: httpx.Response) -> ModelList:
    try:
        value = reading.body(response)
        if type(value) is ModelList:
            return value
        if type(value) is not dict:
            raise TypeError("it is no object")
        return ModelList.from_dict(value)

    except (AttributeError, KeyError, RecursionError, TypeError, ValueError) as error:
        raise errors.ApiError.of(response) from error


def sync_detailed(
    client: AuthenticatedClient | Client,
    project_id: str,
    *,
    offset: int | Unset = 0,
    limit: int | Unset = 50,
    cursor: str | Unset = UNSET,
    producer: str | Unset = UNSET,
) -> Response[ModelList]:
    """List models of a project.

    Models that the caller owns in the project, newest first.

    Args:
        client: Where to send the request.
        project_id: `project_id` of the path.
        offset: `offset` of the query.
        limit: `limit` of the query.
        cursor: `cursor` of the query.
        producer: `producer` of the query.

    Raises:
        errors.ApiError: If the response is not a success, or cannot be parsed.
        httpx.HTTPError: If there is no response.
    """

    kwargs = _get_kwargs(
        project_id=project_id,
        offset=offset,
        limit=limit,
        cursor=cursor,
        producer=producer,
    )
    return _build_response(client.get_httpx_client().request(**kwargs))


def sync(
    client: AuthenticatedClient | Client,
    project_id: str,
    *,
    offset: int | Unset = 0,
    limit: int | Unset = 50,
    cursor: str | Unset = UNSET,
    producer: str | Unset = UNSET,
) -> ModelList:
    """List models of a project.

    Models that the caller owns in the project, newest first.

    Args:
        client: Where to send the request.
        project_id: `project_id` of the path.
        offset: `offset` of the query.
        limit: `limit` of the query.
        cursor: `cursor` of the query.
        producer: `producer` of the query.

    Raises:
        errors.ApiError: If the response is not a success, or cannot be parsed.
        httpx.HTTPError: If there is no response.
    """
    return cast(
        ModelList,
        sync_detailed(
            client,
            project_id=project_id,
            offset=offset,
            limit=limit,
            cursor=cursor,
            producer=producer,
        ).parsed,
    )


async def asyncio_detailed(
    client: AuthenticatedClient | Client,
    project_id: str,
    *,
    offset: int | Unset = 0,
    limit: int | Unset = 50,
    cursor: str | Unset = UNSET,
    producer: str | Unset = UNSET,
) -> Response[ModelList]:
    """List models of a project.

    Models that the caller owns in the project, newest first.

    Args:
        client: Where to send the request.
        project_id: `project_id` of the path.
        offset: `offset` of the query.
        limit: `limit` of the query.
        cursor: `cursor` of the query.
        producer: `producer` of the query.

    Raises:
        errors.ApiError: If the response is not a success, or cannot be parsed.
        httpx.HTTPError: If there is no response.
    """

    kwargs = _get_kwargs(
        project_id=project_id,
        offset=offset,
        limit=limit,
        cursor=cursor,
        producer=producer,
    )
    return _build_response(await client.get_async_httpx_client().request(**kwargs))


async def asyncio(
    client: AuthenticatedClient | Client,
    project_id: str,
    *,
    offset: int | Unset = 0,
    limit: int | Unset = 50,
    cursor: str | Unset = UNSET,
    producer: str | Unset = UNSET,
) -> ModelList:
    """List models of a project.

    Models that the caller owns in the project, newest first.

    Args:
        client: Where to send the request.
        project_id: `project_id` of the path.
        offset: `offset` of the query.
        limit: `limit` of the query.
        cursor: `cursor` of the query.
        producer: `producer` of the query.

    Raises:
        errors.ApiError: If the response is not a success, or cannot be parsed.
        httpx.HTTPError: If there is no response.
    """
    return cast(
        ModelList,
        (
            await asyncio_detailed(
                client,
                project_id=project_id,
                offset=offset,
                limit=limit,
                cursor=cursor,
                producer=producer,
            )
        ).parsed,
    )
