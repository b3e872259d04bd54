"""Uploads and downloads by signed URLs."""

import base64
import hashlib
from collections.abc import Iterator
from typing import Any

import httpx
import pytest
from support.hub_http import Api, ok, problem

SIZE = 2500
CONTENT = bytes(index % 251 for index in range(SIZE))


def begin(api: Api, size: int = SIZE) -> tuple[str, dict[str, Any]]:
    """Begin an upload in three parts."""
    key = api.create_model()
    upload: dict[str, Any] = api.get(f"models/{key}/multipart_upload/", file_size=size)
    return key, upload["multipart_url"]


def part(number: int) -> bytes:
    return CONTENT[(number - 1) * 1000 : number * 1000]


def put_all(upload: dict[str, Any]) -> list[str]:
    return [
        httpx.put(url, content=part(number)).headers["ETag"]
        for number, url in enumerate(upload["urls"], 1)
    ]


def finish(api: Api, key: str, upload: dict[str, Any], etags: list[str]) -> httpx.Response:
    body = {"upload_id": upload["upload_id"], "etags": etags}
    return api.http.post(f"models/{key}/multipart_upload/", json=body)


def download_url(api: Api, path: str) -> str:
    url: str = api.get(path)["url"]["url"]
    return url


@pytest.fixture(scope="module")
def stored(ada: Api) -> str:
    """URL of a model of 2500 bytes."""
    return download_url(ada, f"models/{ada.upload_model(CONTENT)}/download/")


def test_a_model_comes_back_as_it_was_sent(ada: Api) -> None:
    key, upload = begin(ada)
    assert (len(upload["urls"]), upload["max_part_size"]) == (3, 1000)
    etags = put_all(upload)
    assert len(set(etags)) == 3
    ok(finish(ada, key, upload, etags))
    assert ada.get(f"models/{key}/")["file_upload_complete"] is True
    url = ada.get(f"models/{key}/download/", supports_s3_credentials="true")["url"]
    assert url["filename"] == "net.onnx"
    response = httpx.get(url["url"])
    digest = hashlib.sha256(CONTENT).digest()
    assert response.content == CONTENT
    assert response.headers["Content-Length"] == str(SIZE)
    assert response.headers["ETag"] == f'"{digest.hex()}"'
    assert response.headers["Repr-Digest"] == f"sha-256=:{base64.b64encode(digest).decode()}:"
    assert response.headers["Content-Disposition"] == 'attachment; filename="net.onnx"'


def test_parts_may_come_in_any_order_and_again(ada: Api) -> None:
    key, upload = begin(ada)
    urls = upload["urls"]
    httpx.put(urls[0], content=b"x" * 1000)
    etags = ["", "", ""]
    for index in (2, 0, 1):
        etags[index] = httpx.put(urls[index], content=part(index + 1)).headers["ETag"]
    ok(finish(ada, key, upload, etags))
    assert httpx.get(download_url(ada, f"models/{key}/download/")).content == CONTENT


def test_finishing_twice_changes_nothing(ada: Api) -> None:
    key, upload = begin(ada)
    etags = put_all(upload)
    first = ok(finish(ada, key, upload, etags))
    assert ok(finish(ada, key, upload, etags)) == first
    assert ada.post(f"models/{key}/upload_complete/") == first
    assert "finished" in problem(httpx.put(upload["urls"][0], content=part(1)), 409)
    problem(ada.http.get(f"models/{key}/multipart_upload/?file_size=5"), 409)


def test_unquoted_etags_are_fine(ada: Api) -> None:
    key, upload = begin(ada)
    ok(finish(ada, key, upload, [tag.strip('"') for tag in put_all(upload)]))


@pytest.mark.parametrize("change", ["missing", "swapped", "wrong", "few", "many"])
def test_finishing_with_other_etags_is_refused(ada: Api, change: str) -> None:
    key, upload = begin(ada)
    etags = put_all({"urls": upload["urls"][: 2 if change == "missing" else 3]})
    match change:
        case "missing":
            etags.append('"x"')
        case "swapped":
            etags.reverse()
        case "wrong":
            etags[1] = '"x"'
        case "few":
            etags.pop()
        case "many":
            etags.append(etags[-1])
    problem(finish(ada, key, upload, etags), 409)
    assert ada.get(f"models/{key}/")["file_upload_complete"] is False


def test_finishing_an_upload_of_another_model_is_refused(ada: Api) -> None:
    key, _ = begin(ada)
    _, other = begin(ada)
    problem(finish(ada, key, other, put_all(other)), 409)
    problem(finish(ada, key, {"upload_id": "u00000000"}, ["x"]), 409)


def test_a_part_must_have_its_size(ada: Api) -> None:
    key, upload = begin(ada)
    url = upload["urls"][0]

    def chunks(size: int) -> Iterator[bytes]:
        yield from (b"x" for _ in range(size))

    assert "1000 bytes" in problem(httpx.put(url, content=b"x" * 999), 400)
    assert "1000 bytes" in problem(httpx.put(url, content=b"x" * 1001), 413)
    problem(httpx.put(url, content=chunks(999)), 400)
    problem(httpx.put(url, content=chunks(1001)), 413)
    problem(httpx.put(url, content=b""), 400)
    assert httpx.put(url, content=chunks(1000)).status_code == 200
    assert httpx.put(upload["urls"][2], content=part(3)).status_code == 200
    problem(finish(ada, key, upload, ["a", "b", "c"]), 409)


def test_signatures_are_good_for_one_part_only(ada: Api) -> None:
    _, upload = begin(ada)
    first, second = upload["urls"][:2]
    path, _, signature = first.partition("?")
    swapped = f"{second.partition('?')[0]}?{signature}"
    for url in (
        swapped,
        f"{path}?signature=wrong",
        f"{first[:-2]}",
        first.replace("parts/1", "parts/2"),
    ):
        response = httpx.put(url, content=part(1))
        assert "signature" in problem(response, 403)
    problem(httpx.put(path, content=part(1)), 400)
    problem(httpx.put(first.replace("parts/1", "parts/0"), content=part(1)), 404)


def test_a_part_needs_no_token_and_takes_no_form(ada: Api) -> None:
    _, upload = begin(ada)
    response = httpx.put(upload["urls"][0], content=part(1), headers={"Content-Type": "text/plain"})
    assert "octet-stream" in problem(response, 415)
    assert "Authorization" not in response.request.headers


def test_a_file_that_is_not_there_is_told(ada: Api) -> None:
    model, dataset = ada.create_model(), ada.post("datasets/", {})["id"]
    for path in (f"models/{model}/download/", f"datasets/{dataset}/download_data/"):
        assert "not been uploaded" in problem(ada.http.get(path), 409)
    for path in (f"models/{model}/upload_complete/", f"datasets/{dataset}/upload_complete/"):
        assert "not been uploaded" in problem(ada.http.post(path), 409)
    refused = ada.http.patch(f"datasets/{dataset}/", json={"file_upload_complete": True})
    assert "not been uploaded" in problem(refused, 409)


@pytest.mark.parametrize("size", ["0", "-1", "1099511627777", "x", ""])
def test_impossible_sizes_are_refused(ada: Api, size: str) -> None:
    key = ada.create_model()
    assert "file_size" in problem(
        ada.http.get(f"models/{key}/multipart_upload/?file_size={size}"), 400
    )


def test_a_large_upload_has_no_more_parts_than_allowed(ada: Api) -> None:
    key = ada.create_model()
    upload = ada.get(f"models/{key}/multipart_upload/", file_size=20_000_001)["multipart_url"]
    assert len(upload["urls"]) <= 10_000
    assert upload["max_part_size"] * len(upload["urls"]) >= 20_000_001


@pytest.mark.parametrize(
    ("wanted", "first", "last"),
    [
        ("bytes=0-9", 0, 9),
        ("bytes=1000-", 1000, 2499),
        ("bytes=-5", 2495, 2499),
        ("bytes=-9999", 0, 2499),
        ("bytes=2499-99999", 2499, 2499),
        ("bytes = 1 - 2", 1, 2),
    ],
)
def test_ranges(stored: str, wanted: str, first: int, last: int) -> None:
    response = httpx.get(stored, headers={"Range": wanted})
    assert response.status_code == 206
    assert response.headers["Content-Range"] == f"bytes {first}-{last}/{SIZE}"
    assert response.content == CONTENT[first : last + 1]
    assert response.headers["Accept-Ranges"] == "bytes"


@pytest.mark.parametrize(
    "wanted", ["bytes=5-1", "items=0-1", "bytes=", "bytes=0-1,5-6", "x", "bytes=a-"]
)
def test_ranges_that_make_no_sense_here_are_ignored(stored: str, wanted: str) -> None:
    response = httpx.get(stored, headers={"Range": wanted})
    assert (response.status_code, response.content) == (200, CONTENT)


@pytest.mark.parametrize("wanted", ["bytes=2500-", "bytes=9999-10000", "bytes=-0"])
def test_ranges_beyond_the_end_are_416(stored: str, wanted: str) -> None:
    response = httpx.get(stored, headers={"Range": wanted})
    problem(response, 416)
    assert response.headers["Content-Range"] == f"bytes */{SIZE}"


def test_if_range_guards_a_resumed_download(stored: str) -> None:
    tag = httpx.get(stored, headers={"Range": "bytes=0-0"}).headers["ETag"]
    same = httpx.get(stored, headers={"Range": "bytes=2400-", "If-Range": tag})
    other = httpx.get(stored, headers={"Range": "bytes=2400-", "If-Range": '"other"'})
    assert (same.status_code, same.content) == (206, CONTENT[2400:])
    assert (other.status_code, other.content) == (200, CONTENT)


def test_a_download_needs_its_own_signature(ada: Api, stored: str) -> None:
    other = download_url(ada, f"models/{ada.upload_model()}/download/")
    path = stored.partition("?")[0]
    problem(httpx.get(f"{path}?{other.partition('?')[2]}"), 403)
    problem(httpx.get(f"{path}?signature=x"), 403)
    problem(httpx.get(path), 400)


def form_of(api: Api, **query: Any) -> tuple[str, dict[str, Any]]:
    key = str(api.post("datasets/", {"name": "my images.h5"})["id"])
    return key, api.get(f"datasets/{key}/upload_url/", **query)["url"]


def test_a_dataset_comes_back_as_it_was_sent(ada: Api) -> None:
    key, form = form_of(ada, use_acceleration="True", supports_s3_credentials="True")
    assert form["fields"] == {}
    response = httpx.post(
        form["url"], data={"other": "field"}, files={form["file_field_name"]: ("model", CONTENT)}
    )
    assert (response.status_code, response.content) == (201, b"")
    assert response.headers["ETag"] == f'"{hashlib.sha256(CONTENT).hexdigest()}"'
    for _ in range(2):
        ada.patch(f"datasets/{key}/", {"file_upload_complete": True})
    ada.post(f"datasets/{key}/upload_complete/")
    found = ada.get(f"datasets/{key}/download_data/")["url"]
    assert found["filename"] == "my_images.h5"
    assert httpx.get(found["url"]).content == CONTENT
    problem(httpx.post(form["url"], files={"file": b"x"}), 409)
    problem(ada.http.get(f"datasets/{key}/upload_url/"), 409)


def test_content_that_looks_like_a_boundary_stays_content(ada: Api) -> None:
    key, form = form_of(ada)
    tricky = b"--BOUNDARY\r\n--\r\nBOUNDARY--\r\n" * 5000
    httpx.post(form["url"], files={"file": ("f", tricky)})
    ada.patch(f"datasets/{key}/", {"file_upload_complete": True})
    url = download_url(ada, f"datasets/{key}/download_data/")
    assert httpx.get(url).content == tricky


def test_a_later_form_replaces_an_earlier_and_a_broken_one_nothing(ada: Api) -> None:
    key, form = form_of(ada)
    httpx.post(form["url"], files={"file": ("f", b"first and longer")})
    httpx.post(form["url"], files={"file": ("f", CONTENT)})
    cut = b'--B\r\nContent-Disposition: form-data; name="file"; filename="f"\r\n\r\nabc'
    headers = {"Content-Type": "multipart/form-data; boundary=B"}
    problem(httpx.post(form["url"], content=cut, headers=headers), 400)
    ada.patch(f"datasets/{key}/", {"file_upload_complete": True})
    url = download_url(ada, f"datasets/{key}/download_data/")
    assert httpx.get(url).content == CONTENT


def test_forms_that_are_not_what_is_asked_for(ada: Api) -> None:
    _, form = form_of(ada, file_size=SIZE)
    url = form["url"]
    problem(httpx.post(url, files={"other": ("f", CONTENT)}), 400)
    problem(httpx.post(url, files=[("file", ("a", b"x")), ("file", ("b", b"y"))]), 400)
    problem(httpx.post(url, files={"file": ("f", CONTENT + b"x")}), 413)
    problem(httpx.post(url, files={"file": ("f", CONTENT[:-1])}), 400)
    problem(httpx.post(url, files={"file": ("f", CONTENT * 100)}), 413)
    problem(httpx.post(url, data={"x": "y" * 70_000}, files={"file": ("f", b"")}), 413)
    problem(httpx.post(url, json={}), 415)
    for boundary in ("multipart/form-data", "multipart/form-data; boundary=B"):
        response = httpx.post(url, content=b"nonsense", headers={"Content-Type": boundary})
        problem(response, 400)
    assert httpx.post(url, files={"file": ("f", CONTENT)}).status_code == 201


@pytest.mark.parametrize(
    ("name", "filename"),
    [
        ("resnet50.v1.5", "resnet50_v1_5.onnx"),
        ("model.onnx", "model.onnx"),
        ("../../etc/passwd", "passwd.onnx"),
        ("naïve model", "na_ve_model.onnx"),
        ("...", "file.onnx"),
        ('a"; filename="b', "a_filename_b.onnx"),
        ("x" * 255, "x" * 100 + ".onnx"),
    ],
)
def test_file_names_have_no_dots_but_their_extension(ada: Api, name: str, filename: str) -> None:
    key = ada.upload_model(name=name)
    found = ada.get(f"models/{key}/download/")["url"]
    assert found["filename"] == filename
    disposition = httpx.get(found["url"]).headers["Content-Disposition"]
    assert disposition == f'attachment; filename="{filename}"'
