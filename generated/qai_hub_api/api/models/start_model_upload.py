from http import HTTPStatus
from typing import Any, cast
from urllib.parse import quote

import httpx

from ... import errors, reading
from ...client import AuthenticatedClient, Client
from ...models.file_upload_response import FileUploadResponse
from ...types import UNSET, Response, Unset


def _get_kwargs(
    model_id: str,
    *,
    file_size: int,
    use_acceleration: bool | Unset = UNSET,
    supports_s3_credentials: bool | Unset = UNSET,
    upload_id: str | Unset = UNSET,
) -> dict[str, Any]:

    params: dict[str, Any] = {}

    params["file_size"] = file_size

    params["use_acceleration"] = use_acceleration

    params["supports_s3_credentials"] = supports_s3_credentials

    params["upload_id"] = upload_id

    params = {k: v for k, v in params.items() if v is not UNSET and v is not None}

    _kwargs: dict[str, Any] = {
        "method": "get",
        "url": "/api/v1/models/{model_id}/multipart_upload/".format(
            model_id=quote(str(model_id), safe=""),
        ),
        "params": params,
    }

    return _kwargs


def _build_response(response: httpx.Response) -> Response[FileUploadResponse]:
    if not response.is_success:
        raise errors.ApiError.of(response)
    return Response(
        status_code=HTTPStatus(response.status_code),
        content=response.content,
        headers=response.headers,
        parsed=_parse(response),
    )


def _parse(response: httpx.Response) -> FileUploadResponse:
    try:
        value = reading.body(response)
        if type(value) is FileUploadResponse:
            return value
        if type(value) is not dict:
            raise TypeError("it is no object")
        return FileUploadResponse.from_dict(value)

    except (AttributeError, KeyError, RecursionError, TypeError, ValueError) as error:
        raise errors.ApiError.of(response) from error


def sync_detailed(
    client: AuthenticatedClient | Client,
    model_id: str,
    *,
    file_size: int,
    use_acceleration: bool | Unset = UNSET,
    supports_s3_credentials: bool | Unset = UNSET,
    upload_id: str | Unset = UNSET,
) -> Response[FileUploadResponse]:
    """Start the upload of a model.

    Returns a signed URL for each part. All parts but the last have `max_part_size` bytes. With
    `upload_id`, continues an upload instead.

    Args:
        client: Where to send the request.
        model_id: `model_id` of the path.
        file_size: `file_size` of the query.
        use_acceleration: `use_acceleration` of the query.
        supports_s3_credentials: `supports_s3_credentials` of the query.
        upload_id: `upload_id` of the query.

    Raises:
        errors.ApiError: If the response is not a success, or cannot be parsed.
        httpx.HTTPError: If there is no response.
    """

    kwargs = _get_kwargs(
        model_id=model_id,
        file_size=file_size,
        use_acceleration=use_acceleration,
        supports_s3_credentials=supports_s3_credentials,
        upload_id=upload_id,
    )
    return _build_response(client.get_httpx_client().request(**kwargs))


def sync(
    client: AuthenticatedClient | Client,
    model_id: str,
    *,
    file_size: int,
    use_acceleration: bool | Unset = UNSET,
    supports_s3_credentials: bool | Unset = UNSET,
    upload_id: str | Unset = UNSET,
) -> FileUploadResponse:
    """Start the upload of a model.

    Returns a signed URL for each part. All parts but the last have `max_part_size` bytes. With
    `upload_id`, continues an upload instead.

    Args:
        client: Where to send the request.
        model_id: `model_id` of the path.
        file_size: `file_size` of the query.
        use_acceleration: `use_acceleration` of the query.
        supports_s3_credentials: `supports_s3_credentials` of the query.
        upload_id: `upload_id` of the query.

    Raises:
        errors.ApiError: If the response is not a success, or cannot be parsed.
        httpx.HTTPError: If there is no response.
    """
    return cast(
        FileUploadResponse,
        sync_detailed(
            client,
            model_id=model_id,
            file_size=file_size,
            use_acceleration=use_acceleration,
            supports_s3_credentials=supports_s3_credentials,
            upload_id=upload_id,
        ).parsed,
    )


async def asyncio_detailed(
    client: AuthenticatedClient | Client,
    model_id: str,
    *,
    file_size: int,
    use_acceleration: bool | Unset = UNSET,
    supports_s3_credentials: bool | Unset = UNSET,
    upload_id: str | Unset = UNSET,
) -> Response[FileUploadResponse]:
    """Start the upload of a model.

    Returns a signed URL for each part. All parts but the last have `max_part_size` bytes. With
    `upload_id`, continues an upload instead.

    Args:
        client: Where to send the request.
        model_id: `model_id` of the path.
        file_size: `file_size` of the query.
        use_acceleration: `use_acceleration` of the query.
        supports_s3_credentials: `supports_s3_credentials` of the query.
        upload_id: `upload_id` of the query.

    Raises:
        errors.ApiError: If the response is not a success, or cannot be parsed.
        httpx.HTTPError: If there is no response.
    """

    kwargs = _get_kwargs(
        model_id=model_id,
        file_size=file_size,
        use_acceleration=use_acceleration,
        supports_s3_credentials=supports_s3_credentials,
        upload_id=upload_id,
    )
    return _build_response(await client.get_async_httpx_client().request(**kwargs))


async def asyncio(
    client: AuthenticatedClient | Client,
    model_id: str,
    *,
    file_size: int,
    use_acceleration: bool | Unset = UNSET,
    supports_s3_credentials: bool | Unset = UNSET,
    upload_id: str | Unset = UNSET,
) -> FileUploadResponse:
    """Start the upload of a model.

    Returns a signed URL for each part. All parts but the last have `max_part_size` bytes. With
    `upload_id`, continues an upload instead.

    Args:
        client: Where to send the request.
        model_id: `model_id` of the path.
        file_size: `file_size` of the query.
        use_acceleration: `use_acceleration` of the query.
        supports_s3_credentials: `supports_s3_credentials` of the query.
        upload_id: `upload_id` of the query.

    Raises:
        errors.ApiError: If the response is not a success, or cannot be parsed.
        httpx.HTTPError: If there is no response.
    """
    return cast(
        FileUploadResponse,
        (
            await asyncio_detailed(
                client,
                model_id=model_id,
                file_size=file_size,
                use_acceleration=use_acceleration,
                supports_s3_credentials=supports_s3_credentials,
                upload_id=upload_id,
            )
        ).parsed,
    )
