"""Models that a job does not take are refused with what to give it instead."""

from collections.abc import Callable
from pathlib import Path

import pytest

from qai_hub.client import Device, UserError
from qai_hub.submit.checks import check_devices
from qai_hub.submit.model_checks import check_compilable, check_linkable


def to_compile(path: str) -> None:
    check_compilable(path, None, "")


@pytest.mark.parametrize(
    ("check", "name", "instead"),
    [
        (
            to_compile,
            "m.dlc",
            "its format is QNN_DLC. Pass an ONNX or PyTorch model, such as the one",
        ),
        (
            to_compile,
            "m.tflite",
            "its format is TFLITE. Pass an ONNX or PyTorch model, such as the one",
        ),
        (check_linkable, "m.bin", "is not one. Compile it with --target_runtime qnn_dlc."),
        (check_linkable, "m.onnx", "is not one. Compile it with --target_runtime qnn_dlc."),
    ],
)
def test_what_to_give_instead(
    tmp_path: Path, check: Callable[[str], None], name: str, instead: str
) -> None:
    path = tmp_path / name
    path.write_bytes(b"model")
    with pytest.raises(UserError) as caught:
        check(str(path))
    assert name in str(caught.value)
    assert instead in str(caught.value)


@pytest.mark.parametrize("device", [Device([]), Device({}), Device("a", os=[])])  # type: ignore[arg-type]
def test_devices_whose_name_or_os_is_no_text_are_refused(device: Device) -> None:
    with pytest.raises(UserError, match="name and os of a device must be strings"):
        check_devices(device)
