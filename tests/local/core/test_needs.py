"""What jobs need of the process that runs them, and what a process offers."""

from itertools import chain, combinations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from qai_hub.local import frameworks
from qai_hub.local.config import LABELS
from qai_hub.local.core import needs
from qai_hub.local.core.kinds import KINDS
from qai_hub.local.core.needs import job_needs, offered_labels
from qai_hub.local.frameworks import Capability
from qai_hub.local.store.labels import from_text, served_needs, to_text
from qai_hub.local.store.relations import InputFacts

MIB = 1 << 20
ONNX = InputFacts("MODEL_TYPE_ONNX", 5)


@pytest.mark.parametrize(
    ("kind", "options", "inputs", "needed"),
    [
        ("compile", "", [ONNX], ""),
        ("compile", "--target_runtime onnx", [ONNX], ""),
        ("compile", "--target_runtime qnn_context_binary", [ONNX], "qnn"),
        ("compile", "--target_runtime=qnn_dlc", [ONNX], "qnn"),
        ("compile", "--target_runtime precompiled_qnn_onnx", [ONNX], "qnn"),
        # It fails, and any process can tell why.
        ("compile", "--target_runtime tflite", [ONNX], ""),
        ("compile", "--target_runtime 'unclosed", [ONNX], ""),
        ("compile", "", [InputFacts("MODEL_TYPE_TORCHSCRIPT", 5)], "torch"),
        (
            "compile",
            "--target_runtime qnn_dlc",
            [InputFacts("MODEL_TYPE_TORCH_EXPORTED_PROGRAM", 2 * MIB)],
            "big,qnn,torch",
        ),
        ("link", "", [InputFacts("MODEL_TYPE_QNN_DLC", 5)], "qnn"),
        ("quantize", "", [ONNX], ""),
        ("profile", "", [InputFacts("MODEL_TYPE_TFLITE", 5)], "tflite"),
        ("profile", "", [InputFacts("MODEL_TYPE_QNN_CONTEXT_BINARY", 5)], "qnn"),
        # An ONNX model around a context, which nothing but its maker tells.
        ("profile", "", [InputFacts("MODEL_TYPE_ONNX", 5, "big,qnn")], "qnn"),
        # The file is yet to be made, by a job whose input was big.
        ("profile", "", [InputFacts("MODEL_TYPE_ONNX", None, "big")], "big"),
        ("profile", "", [InputFacts("MODEL_TYPE_ONNX", 5, "big,torch")], ""),
        ("inference", "", [ONNX, InputFacts(None, MIB)], ""),
        ("inference", "", [ONNX, InputFacts(None, MIB + 1)], "big"),
    ],
)
def test_needs_follow_from_the_job(
    kind: str, options: str, inputs: list[InputFacts], needed: str
) -> None:
    assert job_needs(KINDS[kind], options, inputs, MIB) == needed


labels = st.sets(st.sampled_from(LABELS))


@given(labels, labels)
def test_a_process_runs_the_jobs_of_which_it_offers_all_needs(
    offered: set[str], needed: set[str]
) -> None:
    assert (to_text(needed) in served_needs(offered)) == (needed <= offered)
    assert from_text(to_text(needed)) == needed


def test_all_needs_are_told_once() -> None:
    everything = served_needs(LABELS)
    subsets = chain.from_iterable(combinations(LABELS, size) for size in range(len(LABELS) + 1))
    assert sorted(everything) == sorted(",".join(sorted(each)) for each in subsets)


def capability(extra: str, module: str) -> Capability:
    return Capability("a format", "work", extra, (module,))


def test_a_machine_offers_what_is_installed(monkeypatch: pytest.MonkeyPatch) -> None:
    found = (capability("local", "json"), capability("qnn", "json"), capability("torch", "nowhere"))
    monkeypatch.setattr(needs, "CAPABILITIES", found)
    # What no row names needs nothing to be installed.
    assert offered_labels(None) == "big,qnn,tflite"
    assert offered_labels(["qnn"]) == "qnn"
    assert offered_labels([]) == ""
    with pytest.raises(
        ValueError, match=r"jobs that need torch cannot run here: needs pip install"
    ):
        offered_labels(["torch", "qnn"])


def test_each_label_but_the_size_is_an_extra() -> None:
    assert {each.extra for each in frameworks.CAPABILITIES} - {"local"} == set(LABELS) - {"big"}
