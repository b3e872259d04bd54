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
from qai_hub.local.engines import catalog
from qai_hub.local.frameworks import Capability
from qai_hub.local.store.labels import from_text, needs_to_text, served_needs
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
        # The last value counts, as it does for the worker.
        ("compile", "--target_runtime onnx --target_runtime qnn_dlc", [ONNX], "qnn"),
        ("compile", "--target_runtime precompiled_qnn_onnx", [ONNX], "qnn"),
        ("compile", "--target_runtime tflite", [ONNX], "engine-tflite"),
        (
            "compile",
            "--target_runtime tflite",
            [InputFacts("MODEL_TYPE_TORCHSCRIPT", 2 * MIB)],
            "big,engine-tflite,torch",
        ),
        # What converts it has what reads it.
        (
            "compile",
            "--target_runtime tflite",
            [InputFacts("MODEL_TYPE_TFLITE", 5)],
            "engine-tflite",
        ),
        # It fails, and any process can tell why.
        ("compile", "--target_runtime nothing", [ONNX], ""),
        ("compile", "--target_runtime 'unclosed", [ONNX], ""),
        ("compile", "", [InputFacts("MODEL_TYPE_TORCHSCRIPT", 5)], "torch"),
        (
            "compile",
            "--target_runtime qnn_dlc",
            [InputFacts("MODEL_TYPE_TORCH_EXPORTED_PROGRAM", 2 * MIB)],
            "big,qnn,torch",
        ),
        ("link", "", [InputFacts("MODEL_TYPE_QNN_DLC", 5)], "qnn"),
        # Another QAIRT than the hub's own is an engine, for what needs QAIRT at all.
        (
            "compile",
            "--target_runtime qnn_dlc --qairt_version 2.50",
            [ONNX],
            "engine-qnn-2.50",
        ),
        (
            "compile",
            "--target_runtime qnn_dlc --qairt_version=2.47.0",
            [InputFacts("MODEL_TYPE_TORCHSCRIPT", 2 * MIB)],
            "big,engine-qnn-2.47,torch",
        ),
        ("compile", "--target_runtime onnx --qairt_version 2.50", [ONNX], ""),
        ("compile", "--target_runtime tflite --qairt_version 2.50", [ONNX], "engine-tflite"),
        # The nearest one: for a model that is made, an older one if there is one.
        ("compile", "--target_runtime qnn_dlc --qairt_version 2.31", [ONNX], "engine-qnn-2.47"),
        ("compile", "--target_runtime qnn_dlc --qairt_version latest", [ONNX], "qnn"),
        ("compile", "--target_runtime qnn_dlc --qairt_version nothing", [ONNX], "qnn"),
        ("link", "--qairt_version 2.49", [InputFacts("MODEL_TYPE_QNN_DLC", 5)], "engine-qnn-2.49"),
        ("profile", "--qairt_version 2.50", [ONNX], ""),
        (
            "inference",
            "--qairt_version 2.50",
            [InputFacts("MODEL_TYPE_QNN_CONTEXT_BINARY", 5)],
            "engine-qnn-2.50",
        ),
        # What one version has made runs with the hub's own, or with a third one.
        ("profile", "", [InputFacts("MODEL_TYPE_ONNX", 5, "engine-qnn-2.50")], "qnn"),
        (
            "profile",
            "--qairt_version 2.50",
            [InputFacts("MODEL_TYPE_ONNX", None, "big,engine-qnn-2.49")],
            "big,engine-qnn-2.50",
        ),
        ("profile", "", [InputFacts("MODEL_TYPE_ONNX", 5, "engine-tflite")], ""),
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
    installed = [name.removeprefix("engine-") for name in ENGINES]
    assert job_needs(KINDS[kind], options, inputs, MIB, engines=lambda: installed) == needed


ENGINES = [name for name in LABELS if name.startswith("engine-")]
EXTRAS = [name for name in LABELS if name not in ENGINES]
labels = st.sets(st.sampled_from(LABELS))
one_engine = st.sets(st.sampled_from(ENGINES), max_size=1)


@given(labels, st.sets(st.sampled_from(EXTRAS)), one_engine)
def test_a_process_runs_the_jobs_of_which_it_offers_all_needs(
    offered: set[str], extras: set[str], engine: set[str]
) -> None:
    needed = needs_to_text(extras | engine)
    assert (needed in served_needs(offered)) == (from_text(needed) <= offered)
    assert from_text(needed) == (extras - {"qnn", "tflite"} if engine else extras) | engine


def test_all_needs_are_told_once() -> None:
    everything = served_needs(LABELS)
    assert len(set(everything)) == len(everything)
    subsets = chain.from_iterable(combinations(EXTRAS, size) for size in range(len(EXTRAS) + 1))
    without_engine = [each for each in everything if "engine-" not in each]
    assert sorted(without_engine) == sorted(",".join(sorted(each)) for each in subsets)
    # Whoever waits for a job is waited for by a look at the index for each of these.
    assert len(everything) == len(without_engine) + 4 * len(ENGINES)


def capability(extra: str, module: str) -> Capability:
    return Capability("a format", "work", extra, (module,))


def test_a_machine_offers_what_is_installed(monkeypatch: pytest.MonkeyPatch) -> None:
    found = (capability("local", "json"), capability("qnn", "json"), capability("torch", "nowhere"))
    monkeypatch.setattr(needs, "CAPABILITIES", found)
    # What no row names needs nothing to be installed, unless it is an engine.
    assert offered_labels(None) == "big,qnn,tflite"
    assert offered_labels(["qnn"]) == "qnn"
    assert offered_labels([]) == ""
    with pytest.raises(
        ValueError, match=r"jobs that need torch cannot run here: needs pip install"
    ):
        offered_labels(["torch", "qnn"])
    with pytest.raises(
        ValueError, match="need engine-tflite cannot run here: needs qai-hub engine"
    ):
        offered_labels(["engine-tflite"])


def test_each_label_but_the_size_is_an_extra_or_an_engine() -> None:
    extras = {each.extra for each in frameworks.CAPABILITIES} - {"local", ""}
    assert extras == set(EXTRAS) - {"big"}
    assert [engine.label for engine in catalog.ENGINES.values()] == ENGINES
