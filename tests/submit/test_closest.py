"""Which names are close to one that does not exist."""

import time
from pathlib import Path

import pytest

from qai_hub.closest import closest_names, did_you_mean, why_no_file

NAMES = ["qnn_context_binary", "qnn_dlc", "onnx", "Samsung Galaxy S24", "Samsung Galaxy S24 Ultra"]


@pytest.mark.parametrize(
    ("wanted", "closest"),
    [
        ("qnn_contxt_binary", "qnn_context_binary"),
        ("QNN-DLC", "qnn_dlc"),
        ("dlc", "qnn_dlc"),
        ("onx", "onnx"),
        ("samsung galaxy s24", "Samsung Galaxy S24"),
        ("Galaxy S24 Utra", "Samsung Galaxy S24 Ultra"),
    ],
)
def test_typos_case_separators_and_missing_words(wanted: str, closest: str) -> None:
    assert closest_names(wanted, NAMES)[0] == closest


@pytest.mark.parametrize("wanted", ["", "toaster", "...", "x" * 100_000])
def test_nothing_is_close(wanted: str) -> None:
    assert closest_names(wanted, NAMES) == []
    assert did_you_mean(wanted, NAMES) == ""


def test_as_a_question() -> None:
    assert did_you_mean("b1", ["b2", "b3", "b4", "zzz"]) == ""
    assert did_you_mean("axis_1", ["axis_2"]) == " Did you mean 'axis_2'?"
    assert (
        did_you_mean("axis_1", ["axis_2", "axis_3", "axis_4", "axis_5"])
        == " Did you mean 'axis_2', 'axis_3' or 'axis_4'?"
    )


def test_many_long_names_take_no_time(tmp_path: Path) -> None:
    names = ["-".join(f"v{word + each}" for word in range(30)) for each in range(1000)]
    before = time.process_time()
    assert closest_names("-".join(f"w{word}" for word in range(30)), names) == []
    for name in names:
        (tmp_path / name[:200]).touch()
    assert why_no_file(tmp_path / "-".join(f"w{word}" for word in range(30))) == "."
    assert time.process_time() - before < 5


@pytest.mark.parametrize(
    ("wanted", "closest"), [("jbo", "job"), ("shwo", "show"), ("sohw", "show")]
)
def test_two_letters_in_the_wrong_order(wanted: str, closest: str) -> None:
    assert closest_names(wanted, ["job", "show", "list"]) == [closest]
    assert closest_names(wanted[::-1], ["jab", "list"]) == []
