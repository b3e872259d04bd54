"""The format that a job announces for its target model, before it has run."""

import pytest

from qai_hub.local.core.kinds import KINDS
from qai_hub.local.engine.options import RUNTIMES

DLC = "MODEL_TYPE_QNN_DLC"


@pytest.mark.parametrize(
    ("options", "announced"),
    [
        ("--target_runtime qnn_dlc", DLC),
        ("--target_runtime=qnn_dlc", DLC),
        ("--target_runtime  'qnn_dlc'", DLC),
        ('--quantize_io "--target_runtime=qnn_dlc"', DLC),
        ("--quantize_io --target_runtime qnn_dlc --output_names a", DLC),
        ("--output_names '--target_runtime tflite' --target_runtime qnn_dlc", DLC),
        ("--qnn_options 'a=b;c= --target_runtime qnn_dlc'", None),
        ("--target_runtime qnn_dlc_2", None),
        ("--target_runtime", None),
        ("--target_runtime=", None),
        ("--target_runtime 'qnn_dlc", None),
        ("", None),
    ],
)
def test_a_compile_job_announces_what_its_options_ask_for(
    options: str, announced: str | None
) -> None:
    assert KINDS["compile"].target_format(options) == announced


@pytest.mark.parametrize("runtime", RUNTIMES)
def test_each_target_runtime_has_a_format(runtime: str) -> None:
    assert str(KINDS["compile"].target_format(f"--target_runtime {runtime}")).startswith(
        "MODEL_TYPE_"
    )


def test_other_jobs_announce_their_only_format() -> None:
    assert KINDS["link"].target_format("--a 'b") == "MODEL_TYPE_QNN_CONTEXT_BINARY"
    assert KINDS["quantize"].target_format("") == "MODEL_TYPE_ONNX"
    assert KINDS["profile"].target_format("") is None
