from http import HTTPStatus
from typing import Any, cast
from urllib.parse import quote

import httpx

from ... import errors, reading
from ...client import AuthenticatedClient, Client
from ...models.job_list import JobList
from ...models.job_order import JobOrder
from ...models.job_type_name import JobTypeName
from ...types import UNSET, Response, Unset


def _get_kwargs(
    project_id: str,
    *,
    offset: int | Unset = 0,
    limit: int | Unset = 50,
    cursor: str | Unset = UNSET,
    state: str | Unset = UNSET,
    type_: JobTypeName | Unset = UNSET,
    creator: str | Unset = UNSET,
    name: str | Unset = UNSET,
    device: str | Unset = UNSET,
    model_id: str | Unset = UNSET,
    after: str | Unset = UNSET,
    before: str | Unset = UNSET,
    order: JobOrder | Unset = UNSET,
) -> dict[str, Any]:

    params: dict[str, Any] = {}

    params["offset"] = offset

    params["limit"] = limit

    params["cursor"] = cursor

    params["state"] = state

    json_type_: str | Unset = UNSET
    if not isinstance(type_, Unset):
        json_type_ = type_.value

    params["type"] = json_type_

    params["creator"] = creator

    params["name"] = name

    params["device"] = device

    params["model_id"] = model_id

    params["after"] = after

    params["before"] = before

    json_order: str | Unset = UNSET
    if not isinstance(order, Unset):
        json_order = order.value

    params["order"] = json_order

    params = {k: v for k, v in params.items() if v is not UNSET and v is not None}

    _kwargs: dict[str, Any] = {
        "method": "get",
        "url": "/api/v1/projects/{project_id}/jobs/".format(
            project_id=quote(str(project_id), safe=""),
        ),
        "params": params,
    }

    return _kwargs


def _build_response(response: httpx.Response) -> Response[JobList]:
    if not response.is_success:
        raise errors.ApiError.of(response)
    return Response(
        status_code=HTTPStatus(response.status_code),
        content=response.content,
        headers=response.headers,
        parsed=_parse(response),
    )


def _parse(response: httpx.Response) -> JobList:
    try:
        value = reading.body(response)
        if type(value) is JobList:
            return value
        if type(value) is not dict:
            raise TypeError("it is no object")
        return JobList.from_dict(value)

    except (AttributeError, KeyError, RecursionError, TypeError, ValueError) as error:
        raise errors.ApiError.of(response) from error


def sync_detailed(
    client: AuthenticatedClient | Client,
    project_id: str,
    *,
    offset: int | Unset = 0,
    limit: int | Unset = 50,
    cursor: str | Unset = UNSET,
    state: str | Unset = UNSET,
    type_: JobTypeName | Unset = UNSET,
    creator: str | Unset = UNSET,
    name: str | Unset = UNSET,
    device: str | Unset = UNSET,
    model_id: str | Unset = UNSET,
    after: str | Unset = UNSET,
    before: str | Unset = UNSET,
    order: JobOrder | Unset = UNSET,
) -> Response[JobList]:
    """List jobs of a project.

    Jobs that the caller submitted or that are shared with the caller, newest first.

    Args:
        client: Where to send the request.
        project_id: `project_id` of the path.
        offset: `offset` of the query.
        limit: `limit` of the query.
        cursor: `cursor` of the query.
        state: `state` of the query.
        type_: `type` of the query.
        creator: `creator` of the query.
        name: `name` of the query.
        device: `device` of the query.
        model_id: `model_id` of the query.
        after: `after` of the query.
        before: `before` of the query.
        order: `order` of the query.

    Raises:
        errors.ApiError: If the response is not a success, or cannot be parsed.
        httpx.HTTPError: If there is no response.
    """

    kwargs = _get_kwargs(
        project_id=project_id,
        offset=offset,
        limit=limit,
        cursor=cursor,
        state=state,
        type_=type_,
        creator=creator,
        name=name,
        device=device,
        model_id=model_id,
        after=after,
        before=before,
        order=order,
    )
    return _build_response(client.get_httpx_client().request(**kwargs))


def sync(
    client: AuthenticatedClient | Client,
    project_id: str,
    *,
    offset: int | Unset = 0,
    limit: int | Unset = 50,
    cursor: str | Unset = UNSET,
    state: str | Unset = UNSET,
    type_: JobTypeName | Unset = UNSET,
    creator: str | Unset = UNSET,
    name: str | Unset = UNSET,
    device: str | Unset = UNSET,
    model_id: str | Unset = UNSET,
    after: str | Unset = UNSET,
    before: str | Unset = UNSET,
    order: JobOrder | Unset = UNSET,
) -> JobList:
    """List jobs of a project.

    Jobs that the caller submitted or that are shared with the caller, newest first.

    Args:
        client: Where to send the request.
        project_id: `project_id` of the path.
        offset: `offset` of the query.
        limit: `limit` of the query.
        cursor: `cursor` of the query.
        state: `state` of the query.
        type_: `type` of the query.
        creator: `creator` of the query.
        name: `name` of the query.
        device: `device` of the query.
        model_id: `model_id` of the query.
        after: `after` of the query.
        before: `before` of the query.
        order: `order` of the query.

    Raises:
        errors.ApiError: If the response is not a success, or cannot be parsed.
        httpx.HTTPError: If there is no response.
    """
    return cast(
        JobList,
        sync_detailed(
            client,
            project_id=project_id,
            offset=offset,
            limit=limit,
            cursor=cursor,
            state=state,
            type_=type_,
            creator=creator,
            name=name,
            device=device,
            model_id=model_id,
            after=after,
            before=before,
            order=order,
        ).parsed,
    )


async def asyncio_detailed(
    client: AuthenticatedClient | Client,
    project_id: str,
    *,
    offset: int | Unset = 0,
    limit: int | Unset = 50,
    cursor: str | Unset = UNSET,
    state: str | Unset = UNSET,
    type_: JobTypeName | Unset = UNSET,
    creator: str | Unset = UNSET,
    name: str | Unset = UNSET,
    device: str | Unset = UNSET,
    model_id: str | Unset = UNSET,
    after: str | Unset = UNSET,
    before: str | Unset = UNSET,
    order: JobOrder | Unset = UNSET,
) -> Response[JobList]:
    """List jobs of a project.

    Jobs that the caller submitted or that are shared with the caller, newest first.

    Args:
        client: Where to send the request.
        project_id: `project_id` of the path.
        offset: `offset` of the query.
        limit: `limit` of the query.
        cursor: `cursor` of the query.
        state: `state` of the query.
        type_: `type` of the query.
        creator: `creator` of the query.
        name: `name` of the query.
        device: `device` of the query.
        model_id: `model_id` of the query.
        after: `after` of the query.
        before: `before` of the query.
        order: `order` of the query.

    Raises:
        errors.ApiError: If the response is not a success, or cannot be parsed.
        httpx.HTTPError: If there is no response.
    """

    kwargs = _get_kwargs(
        project_id=project_id,
        offset=offset,
        limit=limit,
        cursor=cursor,
        state=state,
        type_=type_,
        creator=creator,
        name=name,
        device=device,
        model_id=model_id,
        after=after,
        before=before,
        order=order,
    )
    return _build_response(await client.get_async_httpx_client().request(**kwargs))


async def asyncio(
    client: AuthenticatedClient | Client,
    project_id: str,
    *,
    offset: int | Unset = 0,
    limit: int | Unset = 50,
    cursor: str | Unset = UNSET,
    state: str | Unset = UNSET,
    type_: JobTypeName | Unset = UNSET,
    creator: str | Unset = UNSET,
    name: str | Unset = UNSET,
    device: str | Unset = UNSET,
    model_id: str | Unset = UNSET,
    after: str | Unset = UNSET,
    before: str | Unset = UNSET,
    order: JobOrder | Unset = UNSET,
) -> JobList:
    """List jobs of a project.

    Jobs that the caller submitted or that are shared with the caller, newest first.

    Args:
        client: Where to send the request.
        project_id: `project_id` of the path.
        offset: `offset` of the query.
        limit: `limit` of the query.
        cursor: `cursor` of the query.
        state: `state` of the query.
        type_: `type` of the query.
        creator: `creator` of the query.
        name: `name` of the query.
        device: `device` of the query.
        model_id: `model_id` of the query.
        after: `after` of the query.
        before: `before` of the query.
        order: `order` of the query.

    Raises:
        errors.ApiError: If the response is not a success, or cannot be parsed.
        httpx.HTTPError: If there is no response.
    """
    return cast(
        JobList,
        (
            await asyncio_detailed(
                client,
                project_id=project_id,
                offset=offset,
                limit=limit,
                cursor=cursor,
                state=state,
                type_=type_,
                creator=creator,
                name=name,
                device=device,
                model_id=model_id,
                after=after,
                before=before,
                order=order,
            )
        ).parsed,
    )
