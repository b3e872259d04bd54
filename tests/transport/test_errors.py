import copy
import pickle

import pytest
from hypothesis import given
from hypothesis import strategies as st

from qai_hub.errors import Error, InternalError, RateLimitedError, UserError

KINDS = [Error, UserError, InternalError, RateLimitedError]


@pytest.mark.parametrize("kind", KINDS)
def test_one_root_and_plain_text(kind: type[Error]) -> None:
    error = kind("The job is gone.")
    assert isinstance(error, Error)
    assert str(error) == "The job is gone."
    assert error.args == ("The job is gone.",)
    assert (error.status_code, error.request_id, error.url, error.retry_after) == (None,) * 4


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("again", [lambda e: pickle.loads(pickle.dumps(e)), copy.copy])
def test_pickles_and_copies_with_all_fields(kind: type[Error], again: object) -> None:
    error = kind("No.", status_code=404, request_id="r1", url="https://h/p", retry_after=2.5)
    assert callable(again)
    twin = again(error)
    assert type(twin) is kind
    assert str(twin) == "No."
    assert vars(twin) == {
        "status_code": 404,
        "request_id": "r1",
        "url": "https://h/p",
        "retry_after": 2.5,
    }


@pytest.mark.parametrize(
    ("url", "kept"),
    [
        ("https://host/files/f1/?signature=s3cret", "https://host/files/f1/"),
        ("https://host/files/f1/#s3cret", "https://host/files/f1/"),
        ("https://user:s3cret@host:81/a", "https://host:81/a"),
        ("https://user:s3cret@host", "https://host"),
        ("host/a@b?s3cret", "host/a@b"),
        ("http://[::1]:8642/api?a=s3cret#s3cret", "http://[::1]:8642/api"),
        ("http://[", "http://["),
        ("https://user:s3cret@host/a://b", "https://host/a://b"),
        ("", ""),
        ("https:/user:s3cret@host/a", "https:/host/a"),
        ("https:///user:s3cret@host/a", "https:///host/a"),
        ("http:\\\\user:s3cret@host", "http:\\\\host"),
        ("user:s3cret@host/a", "host/a"),
        ("https://user:s3/cret@host/a", "https://host/a"),
        ("https://user:s3?s3cret@host", "https://host"),
        ("https://user:s3#s3cret@host", "https://host"),
    ],
)
def test_url_is_kept_without_secrets(url: str, kept: str) -> None:
    assert Error("x", url=url).url == kept


@given(
    user=st.text("abc:%", min_size=1, max_size=5),
    query=st.text("abc=&/?@:#", max_size=20),
    path=st.from_regex(r"(/[a-z@]{0,5}){0,3}", fullmatch=True),
)
def test_neither_user_information_nor_query_survives(user: str, query: str, path: str) -> None:
    error = Error("x", url=f"https://{user}@host{path}?{query}")
    assert error.url == f"https://host{path}"
