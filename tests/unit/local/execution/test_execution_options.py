import shlex

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from qai_hub.local.execution.failures import FailureType, JobFailure
from qai_hub.local.execution.options import (
    COMPILE_OPTIONS,
    COMPUTE_UNIT,
    ITERATIONS,
    MOST_ITERATIONS,
    PROFILE_OPTIONS,
    TARGET_RUNTIME,
    Option,
    parse_options,
)

WORDS = st.text(min_size=1).filter(lambda text: not text.startswith("--"))
ANY_TEXT = {"--name": Option(str, "a text"), "--other": Option(str, "a text")}


def refusal(text: str, table: dict[str, Option] | None = None) -> JobFailure:
    with pytest.raises(JobFailure) as caught:
        parse_options(text, table or dict(PROFILE_OPTIONS))
    return caught.value


@settings(deadline=None)
@given(
    values=st.dictionaries(st.sampled_from(sorted(ANY_TEXT)), WORDS),
    joined=st.booleans(),
    gap=st.sampled_from([" ", "  ", "\t", "\n"]),
)
def test_quoted_values_come_back_in_either_spelling(
    values: dict[str, str], joined: bool, gap: str
) -> None:
    glue = "=" if joined else gap
    text = gap.join(f"{flag}{glue}{shlex.quote(value)}" for flag, value in values.items())

    assert parse_options(text, ANY_TEXT) == values


@settings(deadline=None)
@given(text=st.text(alphabet=st.sampled_from("-=' \"\\,\n\0éax1") | st.characters()))
def test_any_text_is_read_or_refused_as_an_argument(text: str) -> None:
    if text.strip(" \t\r\n"):
        failure = refusal(text)
        assert failure.failure_type is FailureType.INVALID_ARGUMENT
        assert "--compute_unit" in failure.reason
    else:
        assert parse_options(text, PROFILE_OPTIONS) == {}


@settings(deadline=None)
@given(number=st.integers())
def test_iterations_are_bounded(number: int) -> None:
    text = f"{ITERATIONS} {number}"
    if 1 <= number <= MOST_ITERATIONS:
        assert parse_options(text, PROFILE_OPTIONS) == {ITERATIONS: number}
    else:
        assert refusal(text).failure_type is FailureType.INVALID_ARGUMENT


@pytest.mark.parametrize("text", ["", "   ", "\n"])
def test_no_options(text: str) -> None:
    assert parse_options(text, COMPILE_OPTIONS) == {}


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("--frobnicate 3", "'--frobnicate' is not supported"),
        ("--frobnicate=3", "'--frobnicate' is not supported"),
        ("-c cpu", "'-c' is not supported"),
        ("cpu", "text 'cpu' is not supported"),
        ("--compute_unit", "needs a value: cpu|all"),
        ("--compute_unit=", "needs a value: cpu|all"),
        ("--compute_unit --max_profiler_iterations 3", "needs a value"),
        ("--compute_unit cpu --compute_unit cpu", "given twice"),
        ("--compute_unit cpu all", "text 'all' is not supported"),
        ("--compute_unit tpu", "no compute unit 'tpu'"),
        ("--compute_unit cpu,", "no compute unit ''"),
        ("--max_profiler_iterations ten", "not a number"),
        ("--max_profiler_iterations 1.5", "not a number"),
        ("--max_profiler_iterations ٣", "not a number"),
        ("--max_profiler_iterations 0", "from 1 to 10000"),
        ("--max_profiler_iterations 999999999999999", "not a number"),
        ("--compute_unit 'cpu", "cannot be read (No closing quotation)"),
    ],
)
def test_refusals_name_the_option_and_what_is_supported(text: str, told: str) -> None:
    failure = refusal(text)

    assert failure.failure_type is FailureType.INVALID_ARGUMENT
    assert told in failure.reason
    assert "Supported: --compute_unit (cpu|all)" in failure.reason


@pytest.mark.parametrize(
    "runtime",
    [
        "tflite",
        "qnn_dlc",
        "qnn_context_binary",
        "precompiled_qnn_onnx",
        "qnn_lib_aarch64_android",
    ],
)
def test_known_runtimes_without_a_compiler_are_unsupported(runtime: str) -> None:
    failure = refusal(f"{TARGET_RUNTIME} {runtime}", dict(COMPILE_OPTIONS))

    assert failure.failure_type is FailureType.UNSUPPORTED
    assert runtime in failure.reason
    assert "Supported: --target_runtime onnx" in failure.reason


def test_unknown_runtimes_are_invalid() -> None:
    failure = refusal(f"{TARGET_RUNTIME} onxx", dict(COMPILE_OPTIONS))

    assert failure.failure_type is FailureType.INVALID_ARGUMENT
    assert "no such runtime" in failure.reason


@pytest.mark.parametrize("units", ["cpu", "all", "npu,cpu", "cpu,gpu,npu"])
def test_compute_units_with_the_cpu_among_them(units: str) -> None:
    assert parse_options(f"{COMPUTE_UNIT} {units}", PROFILE_OPTIONS) == {
        COMPUTE_UNIT: tuple(units.split(","))
    }


@pytest.mark.parametrize("units", ["npu", "gpu", "npu,gpu"])
def test_compute_units_without_the_cpu_are_unsupported(units: str) -> None:
    failure = refusal(f"{COMPUTE_UNIT} {units}")

    assert failure.failure_type is FailureType.UNSUPPORTED
    assert "host CPU only" in failure.reason
