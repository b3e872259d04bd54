from http import HTTPStatus
from typing import Any, cast

import httpx

from ... import errors, reading
from ...client import AuthenticatedClient, Client
from ...models.device_list import DeviceList
from ...types import UNSET, Response, Unset


def _get_kwargs(
    *,
    name: str | Unset = UNSET,
    os: str | Unset = UNSET,
    attributes: list[str] | Unset = UNSET,
    select: bool | Unset = UNSET,
) -> dict[str, Any]:

    params: dict[str, Any] = {}

    params["name"] = name

    params["os"] = os

    json_attributes: list[str] | Unset = UNSET
    if not isinstance(attributes, Unset):
        json_attributes = attributes

    params["attributes"] = json_attributes

    params["select"] = select

    params = {k: v for k, v in params.items() if v is not UNSET and v is not None}

    _kwargs: dict[str, Any] = {
        "method": "get",
        "url": "/api/v1/devices/",
        "params": params,
    }

    return _kwargs


def _build_response(response: httpx.Response) -> Response[DeviceList]:
    if not response.is_success:
        raise errors.ApiError.of(response)
    return Response(
        status_code=HTTPStatus(response.status_code),
        content=response.content,
        headers=response.headers,
        parsed=_parse(response),
    )


def _parse(response: httpx.Response) -> DeviceList:
    try:
        value = reading.body(response)
        if type(value) is DeviceList:
            return value
        if type(value) is not dict:
            raise TypeError("it is no object")
        return DeviceList.from_dict(value)

    except (AttributeError, KeyError, RecursionError, TypeError, ValueError) as error:
        raise errors.ApiError.of(response) from error


def sync_detailed(
    client: AuthenticatedClient | Client,
    *,
    name: str | Unset = UNSET,
    os: str | Unset = UNSET,
    attributes: list[str] | Unset = UNSET,
    select: bool | Unset = UNSET,
) -> Response[DeviceList]:
    """List devices.

    Devices that match all of what is given, ordered by name and operating system.

    Args:
        client: Where to send the request.
        name: `name` of the query.
        os: `os` of the query.
        attributes: `attributes` of the query.
        select: `select` of the query.

    Raises:
        errors.ApiError: If the response is not a success, or cannot be parsed.
        httpx.HTTPError: If there is no response.
    """

    kwargs = _get_kwargs(
        name=name,
        os=os,
        attributes=attributes,
        select=select,
    )
    return _build_response(client.get_httpx_client().request(**kwargs))


def sync(
    client: AuthenticatedClient | Client,
    *,
    name: str | Unset = UNSET,
    os: str | Unset = UNSET,
    attributes: list[str] | Unset = UNSET,
    select: bool | Unset = UNSET,
) -> DeviceList:
    """List devices.

    Devices that match all of what is given, ordered by name and operating system.

    Args:
        client: Where to send the request.
        name: `name` of the query.
        os: `os` of the query.
        attributes: `attributes` of the query.
        select: `select` of the query.

    Raises:
        errors.ApiError: If the response is not a success, or cannot be parsed.
        httpx.HTTPError: If there is no response.
    """
    return cast(
        DeviceList,
        sync_detailed(
            client,
            name=name,
            os=os,
            attributes=attributes,
            select=select,
        ).parsed,
    )


async def asyncio_detailed(
    client: AuthenticatedClient | Client,
    *,
    name: str | Unset = UNSET,
    os: str | Unset = UNSET,
    attributes: list[str] | Unset = UNSET,
    select: bool | Unset = UNSET,
) -> Response[DeviceList]:
    """List devices.

    Devices that match all of what is given, ordered by name and operating system.

    Args:
        client: Where to send the request.
        name: `name` of the query.
        os: `os` of the query.
        attributes: `attributes` of the query.
        select: `select` of the query.

    Raises:
        errors.ApiError: If the response is not a success, or cannot be parsed.
        httpx.HTTPError: If there is no response.
    """

    kwargs = _get_kwargs(
        name=name,
        os=os,
        attributes=attributes,
        select=select,
    )
    return _build_response(await client.get_async_httpx_client().request(**kwargs))


async def asyncio(
    client: AuthenticatedClient | Client,
    *,
    name: str | Unset = UNSET,
    os: str | Unset = UNSET,
    attributes: list[str] | Unset = UNSET,
    select: bool | Unset = UNSET,
) -> DeviceList:
    """List devices.

    Devices that match all of what is given, ordered by name and operating system.

    Args:
        client: Where to send the request.
        name: `name` of the query.
        os: `os` of the query.
        attributes: `attributes` of the query.
        select: `select` of the query.

    Raises:
        errors.ApiError: If the response is not a success, or cannot be parsed.
        httpx.HTTPError: If there is no response.
    """
    return cast(
        DeviceList,
        (
            await asyncio_detailed(
                client,
                name=name,
                os=os,
                attributes=attributes,
                select=select,
            )
        ).parsed,
    )
