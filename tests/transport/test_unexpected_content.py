"""What is surely not the file that was asked for, and what may be."""

import httpx
import pytest
from hypothesis import given
from hypothesis import strategies as st

from qai_hub.transport.unexpected_content import is_page, unexpected_content, unexpected_media_type

MODELS = ["m.onnx", "m.onnx.zip", "M.TFLITE", "m.dlc", "m.bin", "m.pt", "data.h5", "m.mlmodel"]
OTHERS = ["profile.json", "trace.json", "job.log", "notes.txt", "m", "graph.xml", "m.encodings"]


def by_type(media: str) -> str | None:
    return unexpected_media_type(httpx.Headers({"Content-Type": media} if media else {}))


@pytest.mark.parametrize(
    "media",
    [
        *("text/html", "TEXT/HTML; charset=utf-8", "application/xhtml+xml", "multipart/byteranges"),
        "application/problem+json",
    ],
)
def test_types_of_no_file(media: str) -> None:
    assert by_type(media)


@pytest.mark.parametrize(
    "media",
    [
        *("", "application/octet-stream", "binary/octet-stream", "application/zip", "text/plain"),
        *("application/x-hdf5", "application/protobuf", "model/vnd.onnx", "nonsense", "text/html5"),
        *("application/json", "application/xml"),
    ],
)
def test_types_that_stores_give_files(media: str) -> None:
    assert by_type(media) is None


@pytest.mark.parametrize(
    ("media", "content"),
    [
        ("application/json", b'{"detail": "no"}'),
        ("text/json", b"\n []"),
        ("application/xml", b"<Fault/>"),
        ("application/soap+xml", b"<?xml version='1.0'?><Fault/>"),
        ("text/plain", b"Access denied by policy.\r\n"),
        ("text/plain", "Zugriff verweigert: für Gäste ".encode() * 60),
    ],
)
def test_texts_that_are_said_to_be_texts_are_no_models(media: str, content: bytes) -> None:
    for name in MODELS:
        assert unexpected_content(name, media, content) == f"a text ({media})"
        assert unexpected_content(name, media, b"\x08\x07") is None
        assert unexpected_content(name, media, b" ") is None
        is_object = content.startswith(b"{")
        assert bool(unexpected_content(name, "application/octet-stream", content)) is is_object
    for name in OTHERS:
        assert unexpected_content(name, media, content) is None


@pytest.mark.parametrize("content", [b"\x08\x07 text", b"text \xff\xfe", b"PK\3\4", b"text\0"])
def test_types_of_texts_do_not_count_alone(content: bytes) -> None:
    for name in MODELS:
        assert unexpected_content(name, "text/plain", content) is None
        assert unexpected_content(name, "application/json", content) is None


PAGES = [
    b"<html>",
    b"<!DOCTYPE html><p>",
    b"\n \xef\xbb\xbf<html lang='de'>",
    b"\xef\xbb\xbf <HTML\n>",
]
ERRORS = [
    b"<Error><Code>NoSuchKey</Code>",
    b'<?xml version="1.0" encoding="UTF-8"?>\n<Error xmlns="x"><Code>',
]


@pytest.mark.parametrize("beginning", [b"", *PAGES[:2], PAGES[3], *ERRORS])
def test_beginnings_of_no_model(beginning: bytes) -> None:
    for name in MODELS:
        assert unexpected_content(name, "", beginning)
    for name in OTHERS:
        assert bool(unexpected_content(name, "", beginning)) is is_page(beginning)
    assert unexpected_content("report.html", "", beginning) is None


@pytest.mark.parametrize("beginning", [b"<", b"<htmlx", b"PK\3\4", b"\x08\x07", b"<?xml", b"Error"])
def test_beginnings_that_may_be_anything(beginning: bytes) -> None:
    assert unexpected_content("m.bin", "", beginning) is None


@given(
    st.binary(min_size=1).filter(
        lambda content: content.lstrip(b" \t\r\n\f\v\xef\xbb\xbf")[:1] not in {b"<", b"{", b"["}
    )
)
def test_no_other_content_is_refused(content: bytes) -> None:
    assert not is_page(content)
    assert unexpected_content("m.onnx", "application/octet-stream", content) is None
    assert unexpected_content("m.onnx", "application/json", b"\x08" + content) is None
