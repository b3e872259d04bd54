"""`api_utils` and `util`: configuration, datasets in open files, sessions, archives."""

import importlib
import stat
import zipfile
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import pytest
from support.routed_hub import RoutedHub
from support.scripted_server import json_reply

import qai_hub.util.session
from qai_hub import ClientConfig, InputSpecs, UserError, api_utils
from qai_hub.transfer.files import FILE_SESSION_KEY
from qai_hub.transport.pool import SESSIONS
from qai_hub.transport.setup import TRANSFER_READ_LIMIT, file_session
from qai_hub.util import session, zipped_model
from qai_hub.util.dataset_entries_converters import dataset_entries_to_h5, h5_to_dataset_entries

pb: Any = importlib.import_module("qai_hub.public_api_pb2")


def test_datasets_in_an_open_file(tmp_path: Path) -> None:
    data: dict[str, list[np.ndarray[Any, Any]]] = {
        "b": [np.arange(4, dtype=np.float32).reshape(2, 2)] * 3,
        "a": [np.array(7, dtype=np.int32)] * 3,
    }
    with h5py.File(tmp_path / "data.h5", "w") as file:
        assert dataset_entries_to_h5(data, file) is file
        assert dict(file["data/0"].attrs) == {"order": 0, "name": "b", "batch_count": 3}
        assert sorted(file["data/1"]) == ["batch_0", "batch_1", "batch_2"]
    with h5py.File(tmp_path / "data.h5", "r") as file:
        read = h5_to_dataset_entries(h5f=file)
        assert file.id.valid
    assert list(read) == ["b", "a"]
    for name, arrays in data.items():
        for array, back in zip(arrays, read[name], strict=True):
            np.testing.assert_array_equal(array, back)
            assert array.dtype == back.dtype


def test_another_file_is_no_dataset(tmp_path: Path) -> None:
    with h5py.File(tmp_path / "x.h5", "w") as file, pytest.raises(UserError, match="no dataset"):
        h5_to_dataset_entries(file)


def test_the_configuration_of_the_environment(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    path = tmp_path / "client.ini"
    path.write_text("[api]\napi_token = secret-token\napi_url = https://hub.test\n", "utf-8")
    for name in ("QAI_HUB_API_TOKEN", "QAI_HUB_API_URL"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("QAIHUB_CLIENT_INI", str(path))
    with caplog.at_level("INFO", "qai_hub"):
        config = api_utils.load_default_api_config(verbose=True)
    assert isinstance(config, ClientConfig)
    assert (config.api_url, config.api_token) == ("https://hub.test", "secret-token")
    assert "hub.test" in caplog.text
    assert "secret-token" not in caplog.text
    with pytest.raises(FileNotFoundError):
        api_utils.load_api_config_from_profile("no-such-profile")


@pytest.mark.parametrize("text", ["true", "True", "T", "yes", "1"])
def test_texts_that_say_yes(text: str) -> None:
    assert api_utils.str2bool(text) is True


@pytest.mark.parametrize("text", ["false", "FALSE", "f", "no", "0"])
def test_texts_that_say_no(text: str) -> None:
    assert api_utils.str2bool(text) is False


@pytest.mark.parametrize("text", ["", "on", "y", "2", "truth"])
def test_texts_that_say_neither(text: str) -> None:
    with pytest.raises(ValueError, match="neither"):
        api_utils.str2bool(text)


def test_input_specs_as_a_message() -> None:
    specs: InputSpecs = {"image": (1, 3, 8, 8), "mask": ((1, 8), "int8")}
    message: Any = api_utils.input_shapes_to_tensor_type_list_pb(specs)
    assert isinstance(message, pb.NamedTensorTypeList)
    assert [(t.name, list(t.tensor_type.shape), t.tensor_type.dtype) for t in message.types] == [
        ("image", [1, 3, 8, 8], pb.TENSOR_DTYPE_FLOAT32),
        ("mask", [1, 8], pb.TENSOR_DTYPE_INT8),
    ]
    assert api_utils.input_shapes_to_tensor_type_list_pb(None) == pb.NamedTensorTypeList()
    with pytest.raises(UserError):
        api_utils.input_shapes_to_tensor_type_list_pb({"x": (0,)})


def read_limit() -> float | None:
    with SESSIONS.lease(FILE_SESSION_KEY, file_session) as shared:
        return shared.timeout.read


def test_a_longer_time_limit_of_transfers_takes_effect(monkeypatch: pytest.MonkeyPatch) -> None:
    assert read_limit() == TRANSFER_READ_LIMIT
    monkeypatch.setattr(qai_hub.util.session, "EXTERNAL_RESPONSE_TIMEOUT_SECONDS", 600)
    assert read_limit() == 600
    monkeypatch.setattr(session, "EXTERNAL_RESPONSE_TIMEOUT_SECONDS", 4)
    assert read_limit() == TRANSFER_READ_LIMIT
    assert session.EXTERNAL_RESPONSE_TIMEOUT_SECONDS == 4
    monkeypatch.undo()
    assert read_limit() == TRANSFER_READ_LIMIT


def test_a_session_of_ones_own() -> None:
    busy = json_reply({"detail": "busy"}, 503, {"Retry-After": "0"})
    with (
        RoutedHub({"GET /x/": [busy, json_reply({"x": 1})]}) as hub,
        session.create_session() as made,
    ):
        made.sleep = lambda _: None
        assert made.get(f"{hub.url}/x/").json() == {"x": 1}
        assert len(hub.requests) == 2
    with RoutedHub({"GET /x/": busy}) as hub:
        with session.create_session(False, response_timeout_seconds=7) as made:
            assert made.get(f"{hub.url}/x/").status_code == 503
            assert made.timeout.read == 7
        assert len(hub.requests) == 1


def test_a_folder_goes_into_an_archive_and_comes_back(tmp_path: Path) -> None:
    model = tmp_path / "net.mlpackage"
    (model / "Data" / "empty").mkdir(parents=True)
    (model / "Data" / "weights").write_bytes(b"w" * 1000)
    out = tmp_path / "out"
    out.mkdir()
    packed = zipped_model.zip_model(str(out), f"{model}/")
    assert packed == str(out / "net.mlpackage.zip")
    back = Path(zipped_model.unzip_model(packed, str(tmp_path / "there")))
    assert back == tmp_path / "there" / "net.mlpackage"
    assert (back / "Data" / "weights").read_bytes() == b"w" * 1000
    assert (back / "Data" / "empty").is_dir()
    assert back.suffix in zipped_model.SUPPORTED_ZIPPED_MODEL_ASSETS


def test_a_file_goes_into_an_archive_too(tmp_path: Path) -> None:
    (tmp_path / "m.onnx").write_bytes(b"model")
    packed = zipped_model.zip_model(str(tmp_path), str(tmp_path / "m.onnx"))
    back = zipped_model.unzip_model(packed, str(tmp_path / "there"))
    assert Path(back).read_bytes() == b"model"
    with pytest.raises(FileNotFoundError):
        zipped_model.zip_model(str(tmp_path), str(tmp_path / "absent"))


def test_several_entries_are_the_folder(tmp_path: Path) -> None:
    with zipfile.ZipFile(tmp_path / "x.zip", "w") as archive:
        archive.writestr("a.onnx", b"a")
        archive.writestr("./b.data", b"b")
    there = tmp_path / "there"
    assert zipped_model.unzip_model(str(tmp_path / "x.zip"), str(there)) == str(there)
    assert {path.name for path in there.iterdir()} == {"a.onnx", "b.data"}


@pytest.mark.parametrize(
    "name", ["../out", "a/../../out", "/etc/out", "c:/out", "a\\..\\out", "./", "a/..", "//x"]
)
def test_an_entry_that_leads_out_is_refused(tmp_path: Path, name: str) -> None:
    with zipfile.ZipFile(tmp_path / "x.zip", "w") as archive:
        archive.writestr("good", b"1")
        archive.writestr(zipfile.ZipInfo(name), b"2")
    with pytest.raises(UserError, match="leads outside"):
        zipped_model.unzip_model(str(tmp_path / "x.zip"), str(tmp_path / "there"))
    assert list((tmp_path / "there").iterdir()) == []


def test_a_link_is_refused(tmp_path: Path) -> None:
    link = zipfile.ZipInfo("link")
    link.external_attr = (stat.S_IFLNK | 0o777) << 16
    with zipfile.ZipFile(tmp_path / "x.zip", "w") as archive:
        archive.writestr(link, "/etc/passwd")
    with pytest.raises(UserError, match="leads outside"):
        zipped_model.unzip_model(str(tmp_path / "x.zip"), str(tmp_path / "there"))


def test_what_is_no_archive_is_told(tmp_path: Path) -> None:
    (tmp_path / "x.zip").write_bytes(b"no zip")
    with pytest.raises(UserError, match="not a ZIP file"):
        zipped_model.unzip_model(str(tmp_path / "x.zip"), str(tmp_path / "there"))
