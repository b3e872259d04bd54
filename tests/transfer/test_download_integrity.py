"""Files that arrive damaged, or change while they come."""

import base64
import hashlib
import zlib
from pathlib import Path

import httpx
import pytest
from hypothesis import given
from hypothesis import strategies as st
from support.scripted_server import Reply, ScriptedServer
from support.transfer_fixtures import CONTENT, session

from qai_hub.errors import InternalError
from qai_hub.transfer.checksums import checksum_from_headers
from qai_hub.transfer.download import download
from qai_hub.transport.session import Session

__all__ = ["session"]


def told(content: bytes) -> dict[str, str]:
    """The headers that tell the checksum of a file, one for each kind."""
    sha256 = base64.b64encode(hashlib.sha256(content).digest()).decode()
    md5 = base64.b64encode(hashlib.md5(content, usedforsecurity=False).digest()).decode()
    crc32 = base64.b64encode(zlib.crc32(content).to_bytes(4, "big")).decode()
    return {
        "Repr-Digest": f"sha-512=:AAAA:, sha-256=:{sha256}:",
        "Content-Digest": f"sha-256=:{sha256}:",
        "Digest": f"unixsum=30637, SHA-256={sha256}",
        "Content-MD5": md5,
        "x-goog-hash": f"crc32c=n03x6A==,md5={md5}",
        "x-amz-checksum-sha256": sha256,
        "x-amz-checksum-crc32": crc32,
    }


KINDS = {"x-amz-checksum-crc32": "CRC-32", "Content-MD5": "MD5", "x-goog-hash": "MD5"}


@pytest.mark.parametrize("header", sorted(told(b"")))
def test_damage_is_found(session: Session, tmp_path: Path, header: str) -> None:
    path = tmp_path / "m"
    headers = {header: told(CONTENT)[header]}
    with ScriptedServer([Reply(200, CONTENT, headers)]) as server:
        download(session, server.url, path)
    assert path.read_bytes() == CONTENT
    damaged = CONTENT[:-1] + bytes([CONTENT[-1] ^ 1])
    kind = KINDS.get(header, "SHA-256")
    with (
        ScriptedServer([Reply(200, damaged, headers)]) as server,
        pytest.raises(InternalError, match=rf"arrived damaged \({kind}"),
    ):
        download(session, server.url, tmp_path / "other")
    assert [found.name for found in tmp_path.iterdir()] == ["m"]


def test_sums_of_parts_are_not_sums_of_files(session: Session, tmp_path: Path) -> None:
    headers = {
        "x-amz-checksum-crc32": f"{told(b'parts')['x-amz-checksum-crc32']}-2",
        "x-amz-checksum-sha256": f"{told(b'parts')['x-amz-checksum-sha256']}-2",
        "x-amz-checksum-type": "COMPOSITE",
    }
    with ScriptedServer([Reply(200, CONTENT, headers)]) as server:
        download(session, server.url, tmp_path / "m")
    assert (tmp_path / "m").read_bytes() == CONTENT


@pytest.mark.parametrize("tag", ['"new"', None])
def test_a_file_that_changed_where_the_connection_broke(
    session: Session, tmp_path: Path, tag: str | None
) -> None:
    """Its server sends the range all the same; one that tells no tag is believed."""
    new = bytes(len(CONTENT))
    half = len(CONTENT) // 2
    headers = {"Content-Range": f"bytes {half}-{len(new) - 1}/{len(new)}"}
    if tag is not None:
        headers["ETag"] = tag
    script = [
        Reply(200, CONTENT, {"ETag": '"old"'}, cut=half),
        Reply(206, new[half:], headers),
        Reply(200, new, {"ETag": '"new"'}),
    ]
    with ScriptedServer(script) as server:
        download(session, server.url, tmp_path / "m")
        asked = [request.headers.get("range") for request in server.requests]
    if tag is None:
        assert asked == [None, f"bytes={half}-"]
    else:
        assert asked == [None, f"bytes={half}-", None]
        assert (tmp_path / "m").read_bytes() == new


@given(st.binary(max_size=200), st.integers(0, 200))
def test_sums_of_blocks(content: bytes, cut: int) -> None:
    for header, value in told(content).items():
        found = checksum_from_headers(httpx.Headers({header: value}))
        assert found is not None
        found.update(content[:cut])
        found.update(content[cut:])
        assert found.matches()
        found.update(b"\0")
        assert not found.matches()


@given(st.text(st.characters(codec="latin-1", exclude_categories=["Cc"])))
def test_sums_that_are_not_understood(value: str) -> None:
    for header in told(b""):
        found = checksum_from_headers(httpx.Headers([(header.encode(), value.encode("latin-1"))]))
        assert found is None or found.kind in {"SHA-256", "CRC-32", "MD5"}
