"""The error that operations raise for a response that is not a success."""

import httpx


class ApiError(Exception):
    """A response is not a success, or is a success that cannot be parsed.

    Attributes:
        status_code: HTTP status.
        headers: Headers of the response.
        content: Body of the response, unparsed.
        method: Method of the request.
        url: URL of the request, with its query.
    """

    def __init__(
        self, status_code: int, headers: httpx.Headers, content: bytes, method: str, url: httpx.URL
    ) -> None:
        super().__init__(status_code, headers, content, method, url)
        self.status_code = status_code
        self.headers = headers
        self.content = content
        self.method = method
        self.url = url

    def __str__(self) -> str:
        return f"{self.method} {self.url.path} was answered with status {self.status_code}"

    @classmethod
    def of(cls, response: httpx.Response) -> "ApiError":
        """Creates the error for a response."""
        request = response.request
        return cls(
            response.status_code, response.headers, response.content, request.method, request.url
        )


__all__ = ["ApiError"]
