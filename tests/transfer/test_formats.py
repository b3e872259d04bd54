"""Files that no checksum vouches for must at least have the format of their suffix."""

import gzip
import io
from pathlib import Path

import h5py
import numpy as np
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st
from support.scripted_server import Reply, ScriptedServer
from support.tiny_models import affine
from support.transfer_fixtures import session

from qai_hub.errors import InternalError
from qai_hub.transfer.download import download
from qai_hub.transfer.formats import unexpected_format
from qai_hub.transport.session import Session

__all__ = ["session"]

ONNX = affine().SerializeToString()
# Up to the end of the graph, which the versions of operators follow.
WHOLE_GRAPH = ONNX.removesuffix(
    type(affine())(opset_import=affine().opset_import).SerializeToString()
)
NOISE = bytes.fromhex("74930e580cbc507c7323ff3578f897a77454")


def hdf5(user_block: int = 0) -> bytes:
    stored = io.BytesIO()
    with h5py.File(stored, "w", userblock_size=user_block) as file:
        file["x"] = np.zeros(3)
    return stored.getvalue()


def numpy_file(*, archive: bool) -> bytes:
    stored = io.BytesIO()
    if archive:
        np.savez(stored, x=np.zeros(3))
    else:
        np.save(stored, np.zeros(3))
    return stored.getvalue()


FILES = {
    "m.onnx": ONNX,
    "M.ONNX": ONNX,
    "a.h5": hdf5(),
    "b.hdf5": hdf5(2048),
    "c.npy": numpy_file(archive=False),
    "d.npz": numpy_file(archive=True),
    "e.onnx.zip": numpy_file(archive=True),
    "f.tflite": b"\x1c\0\0\0TFL3" + bytes(8),
    "g.log.gz": gzip.compress(b"x"),
}


@pytest.mark.parametrize("name", sorted(FILES))
def test_files_of_their_format(name: str) -> None:
    assert unexpected_format(name, io.BytesIO(FILES[name])) is None
    found = unexpected_format(name, io.BytesIO(NOISE))
    assert found is not None
    assert found.startswith("something other than a")


@pytest.mark.parametrize("name", ["m", "m.dlc", "m.bin", "m.pt", "profile.json", "job.log"])
def test_formats_without_a_signature_may_be_anything(name: str) -> None:
    assert unexpected_format(name, io.BytesIO(NOISE)) is None


@given(st.integers(1, len(ONNX) - 1))
def test_parts_of_an_onnx_model_are_none(size: int) -> None:
    # With its graph whole, it is one.
    assume(size != len(WHOLE_GRAPH))
    assert unexpected_format("m.onnx", io.BytesIO(ONNX[:size]))


@given(st.binary(max_size=200))
def test_noise_is_no_onnx_model(noise: bytes) -> None:
    assert unexpected_format("m.onnx", io.BytesIO(b"\x74" + noise))
    assert unexpected_format("m.onnx", io.BytesIO(ONNX + b"\x74" + noise))


def test_fields_of_later_releases_are_passed_over() -> None:
    later = (
        b"\xf9\x01" + bytes(8) + b"\xfd\x01" + bytes(4) + b"\xf8\x01\x80\x01" + b"\xfa\x01\x02ab"
    )
    assert unexpected_format("m.onnx", io.BytesIO(later + ONNX + later)) is None
    assert unexpected_format("m.onnx", io.BytesIO(later))


def test_a_file_of_countless_fields_takes_no_countless_reads() -> None:
    assert unexpected_format("m.onnx", io.BytesIO(b"\x08\x07" * 200_000)) is None


def test_what_came_in_place_of_a_model_is_asked_for_again(session: Session, tmp_path: Path) -> None:
    with ScriptedServer([Reply(200, NOISE), Reply(200, ONNX)]) as server:
        download(session, server.url, tmp_path / "m.onnx")
    assert (tmp_path / "m.onnx").read_bytes() == ONNX
    with (
        ScriptedServer([Reply(200, NOISE)]) as server,
        pytest.raises(InternalError, match="received something other than an ONNX model instead"),
    ):
        download(session, server.url, tmp_path / "other.onnx")
    assert len(server.requests) > 1
    assert [found.name for found in tmp_path.iterdir()] == ["m.onnx"]
