"""Which proxy the environment names for a request."""

import os
from unittest.mock import patch

import httpx
import pytest
from hypothesis import given
from hypothesis import strategies as st

from qai_hub.errors import UserError
from qai_hub.transport.proxies import Proxies


def way(variables: dict[str, str], url: str = "https://hub.example.com/x") -> tuple[str, str]:
    """The proxy's address and what names it; two empty texts for none."""
    with patch.dict(os.environ, variables, clear=True):
        proxy = Proxies.from_environment().proxy_for(httpx.URL(url))
    return ("", "") if proxy is None else (str(proxy.url), proxy.source)


P, Q = "http://p:1", "http://q:2"
NONE = ("", "")


@pytest.mark.parametrize(
    ("variables", "expected"),
    [
        ({}, NONE),
        ({"HTTPS_PROXY": P}, (P, "HTTPS_PROXY")),
        ({"https_proxy": P}, (P, "https_proxy")),
        ({"HTTPS_PROXY": Q, "https_proxy": P}, (P, "https_proxy")),
        ({"HTTPS_PROXY": Q, "https_proxy": ""}, NONE),
        ({"HTTPS_PROXY": ""}, NONE),
        ({"HTTPS_PROXY": "  "}, NONE),
        ({"HTTP_PROXY": P}, NONE),
        ({"ALL_PROXY": P}, (P, "ALL_PROXY")),
        ({"ALL_PROXY": Q, "HTTPS_PROXY": P}, (P, "HTTPS_PROXY")),
        ({"HTTPS_PROXY": " p:1 "}, (P, "HTTPS_PROXY")),
        ({"HTTPS_PROXY": "//p:1"}, (P, "HTTPS_PROXY")),
        ({"HTTPS_PROXY": "user:pass@p:1"}, ("http://user:pass@p:1", "HTTPS_PROXY")),
        ({"HTTPS_PROXY": "[::1]:8"}, ("http://[::1]:8", "HTTPS_PROXY")),
        ({"HTTPS_PROXY": "socks5h://p:1"}, ("socks5h://p:1", "HTTPS_PROXY")),
        ({"HTTPS_PROXY": P, "NO_PROXY": "example.com"}, NONE),
        ({"HTTPS_PROXY": P, "no_proxy": "*"}, NONE),
        ({"HTTPS_PROXY": P, "NO_PROXY": "*", "no_proxy": ""}, (P, "HTTPS_PROXY")),
        ({"HTTPS_PROXY": "gopher://p", "NO_PROXY": "example.com:443"}, NONE),
    ],
)
def test_the_way_to_a_server(variables: dict[str, str], expected: tuple[str, str]) -> None:
    assert way(variables) == expected


def test_in_a_cgi_script_a_header_names_no_proxy() -> None:
    """There HTTP_PROXY is what a request says by a header `Proxy`."""
    url = "http://hub.example.com"
    assert way({"HTTP_PROXY": P}, url) == (P, "HTTP_PROXY")
    assert way({"HTTP_PROXY": P, "REQUEST_METHOD": "GET"}, url) == NONE
    assert way({"http_proxy": P, "REQUEST_METHOD": "GET"}, url) == (P, "http_proxy")


@pytest.mark.parametrize(
    "named",
    ["gopher://p:1", "http://[::1", "http://h:port", "http://", "socks4://p:1", "http:///p"],
)
def test_what_is_no_address_is_told_where_it_would_be_used(named: str) -> None:
    with pytest.raises(UserError, match=r"^ALL_PROXY is not a proxy URL"):
        way({"ALL_PROXY": named})
    assert way({"ALL_PROXY": named, "NO_PROXY": "*"}) == NONE
    assert way({"HTTP_PROXY": named}) == NONE


@given(st.text(st.characters(exclude_characters="\0", codec="utf-8"), max_size=30))
def test_any_value_is_a_proxy_or_a_clear_error(value: str) -> None:
    try:
        address, source = way({"HTTPS_PROXY": value})
    except UserError as error:
        assert "HTTPS_PROXY" in str(error)
    else:
        assert (address, source) == NONE or source == "HTTPS_PROXY"


def test_no_repr_shows_a_password() -> None:
    with patch.dict(os.environ, {"HTTPS_PROXY": "http://user:s3cret@p:1"}, clear=True):
        proxies = Proxies.from_environment()
    proxy = proxies.proxy_for(httpx.URL("https://h"))
    assert proxy is not None
    assert proxy.netloc == "p:1"
    assert "s3cret" not in f"{proxies!r} {proxies.settings!r} {proxy!r} {proxy.netloc}"
