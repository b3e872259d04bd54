import re
import shlex
from typing import Any, get_args

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from qai_hub.local.engine.failures import FailureType, JobFailure
from qai_hub.local.engine.option_table import (
    COMPUTE_UNIT,
    ITERATIONS,
    MAX_ITERATIONS,
    OPTIONS,
    PROFILER_TIME,
    parse_job_options,
)
from qai_hub.local.engine.options import (
    Ignored,
    Option,
    Supported,
    Unsupported,
    check_compute_units,
    parse_options,
)
from qai_hub.local.engine.options import parse_settings as read_settings
from qai_hub.local.enums import JobTypeName
from qai_hub.option_string import TARGET_RUNTIME

WORDS = st.text(min_size=1).filter(lambda text: not text.startswith("--"))
ANY_TEXT = tuple(
    Option(flag=flag, accepted="a text", parse=str, handling={"compile": Supported("it")})
    for flag in ("--name", "--other")
)
SETTINGS = (
    Option(
        flag="--set",
        accepted="settings",
        parse=read_settings,
        repeatable=True,
        handling={"compile": Supported("them")},
    ),
)
KEYS = st.text(st.characters(codec="ascii", categories=["L", "N"]), min_size=1)
SETTING_VALUES = st.text(st.characters(codec="utf-8", exclude_characters=";"), min_size=1).filter(
    lambda text: text == text.strip()
)

EXAMPLES = {
    "--target_runtime": "onnx",
    "--output_names": "a,b",
    "--truncate_64bit_io": "",
    "--truncate_64bit_tensors": "True",
    "--force_channel_last_input": "image",
    "--force_channel_last_output": "a, b",
    "--quantize_full_type": "w8a16",
    "--quantize_weight_type": "float16",
    "--quantize_io": "true",
    "--quantize_io_type": "uint8",
    "--use_qnn_onnx_ep_converter": "",
    "--use_tfl_converter": "",
    "-O": "2",
    "--range_scheme": "min_max",
    "--lite_mp": "percentage=10;override_qtype=int16",
    "--int16_activations": "a,b",
    "--compute_unit": "npu,cpu",
    "--max_profiler_iterations": "7",
    "--max_profiler_time": "60",
    "--dequantize_outputs": "",
    "--qnn_options": "default_graph_htp_optimizations=O=3;context_enable_graphs=one",
    "--skip_target_check": "",
    "--qairt_version": "2.50",
    "--onnx_options": "execution_mode=SEQUENTIAL",
    "--onnx_execution_providers": "qnn",
    "--tflite_options": "number_of_threads=4",
    "--tflite_delegates": "qnn,xnnpack",
}
RULES = [(option.flag, kind) for option in OPTIONS for kind in option.handling]


def parse_failure(text: str, kind: JobTypeName = "profile") -> JobFailure:
    with pytest.raises(JobFailure) as caught:
        parse_job_options(text, kind)
    return caught.value


@pytest.mark.parametrize(("flag", "kind"), RULES)
def test_every_option_is_done_or_ignored_with_a_notice_or_refused(
    flag: str, kind: JobTypeName
) -> None:
    (option,) = (option for option in OPTIONS if option.flag == flag)
    rule = option.handling[kind]
    value = EXAMPLES[flag]
    text = f"{flag} {shlex.quote(value)}" if value else flag
    if isinstance(rule, Unsupported):
        failure = parse_failure(text, kind)
        assert failure.failure_type is FailureType.UNSUPPORTED
        assert failure.reason == f"This hub does not support {flag}: {rule.reason}."
        return
    options = parse_job_options(text, kind)
    assert set(options.values) == ({flag} if isinstance(rule, Supported) else set())
    told = [notice["message"] for notice in options.notices]
    ignored = (
        [f"The option {flag} was ignored: {rule.reason}."] if isinstance(rule, Ignored) else []
    )
    assert told == ignored


@pytest.mark.parametrize("kind", get_args(JobTypeName))
def test_options_of_other_kinds_of_jobs_are_refused(kind: JobTypeName) -> None:
    for option in OPTIONS:
        if kind not in option.handling:
            failure = parse_failure(f"{option.flag} 1", kind)
            assert failure.failure_type is FailureType.INVALID_ARGUMENT
            assert f"jobs, not for {kind} jobs" in failure.reason
            assert f"is for {next(iter(option.handling))}" in failure.reason


@settings(deadline=None)
@given(
    values=st.dictionaries(st.sampled_from(["--name", "--other"]), WORDS),
    joined=st.booleans(),
    gap=st.sampled_from([" ", "  ", "\t", "\n"]),
)
def test_quoted_values_come_back_in_either_spelling(
    values: dict[str, str], joined: bool, gap: str
) -> None:
    glue = "=" if joined else gap
    text = gap.join(f"{flag}{glue}{shlex.quote(value)}" for flag, value in values.items())

    assert parse_options(text, "compile", ANY_TEXT).values == values


@example(parts=[{"a": "b"}, {"a": "c"}])
@settings(deadline=None)
@given(parts=st.lists(st.dictionaries(KEYS, SETTING_VALUES, min_size=1), max_size=3))
def test_settings_of_a_repeated_option_add_up_or_contradict(parts: list[dict[str, str]]) -> None:
    merged: dict[str, str] = {}
    contradict = False
    for part in parts:
        contradict |= any(merged.get(key, value) != value for key, value in part.items())
        merged |= part
    texts = [";".join(f"{key}={value}" for key, value in part.items()) for part in parts]
    text = " ".join(f"--set {shlex.quote(value)}" for value in texts if not value.startswith("--"))

    if contradict:
        with pytest.raises(JobFailure, match="is given twice, with different values"):
            parse_options(text, "compile", SETTINGS)
    else:
        assert parse_options(text, "compile", SETTINGS).values == (
            {"--set": merged} if parts else {}
        )


@settings(deadline=None)
@given(text=st.text(alphabet=st.sampled_from("-=' \"\\,\n\0éax1") | st.characters()))
def test_any_text_is_read_or_refused_as_an_argument(text: str) -> None:
    if text.strip(" \t\r\n"):
        failure = parse_failure(text)
        assert failure.failure_type is FailureType.INVALID_ARGUMENT
        assert re.search(r"--compute_unit|as in a shell|Did you mean", failure.reason)
    else:
        assert parse_job_options(text, "profile").values == {}


@settings(deadline=None)
@given(count=st.integers())
def test_iterations_are_bounded(count: int) -> None:
    text = f"{ITERATIONS} {count}"
    if 1 <= count <= MAX_ITERATIONS:
        assert parse_job_options(text, "profile").values == {ITERATIONS: count}
    else:
        assert parse_failure(text).failure_type is FailureType.INVALID_ARGUMENT


@pytest.mark.parametrize("text", ["", "   ", "\n"])
def test_no_options(text: str) -> None:
    options = parse_job_options(text, "compile")
    assert (options.values, options.notices) == ({}, [])


@pytest.mark.parametrize("value", ["false", "False"])
@pytest.mark.parametrize("glue", [" ", "="])
def test_a_switch_set_to_false_asks_for_nothing(value: str, glue: str) -> None:
    text = f"--quantize_io{glue}{value} --truncate_64bit_tensors{glue}{value}"
    options = parse_job_options(text, "compile")
    assert (options.values, options.notices) == ({}, [])


@pytest.mark.parametrize(
    ("text", "values", "last"),
    [
        ("--quantize_io --quantize_io", {"--quantize_io": True}, ""),
        ("--quantize_io=true --quantize_io True", {"--quantize_io": True}, ""),
        ("--quantize_io --quantize_io false ", {}, "'false'"),
        ("--quantize_io false --quantize_io", {"--quantize_io": True}, "'true'"),
        (f"{TARGET_RUNTIME} qnn_dlc {TARGET_RUNTIME}=onnx", {TARGET_RUNTIME: "onnx"}, "'onnx'"),
    ],
)
def test_the_last_value_of_an_option_counts(text: str, values: dict[str, Any], last: str) -> None:
    options = parse_job_options(text, "compile")

    assert options.values == values
    told = [notice["message"] for notice in options.notices]
    assert [message.endswith(f"its last value counts, which is {last}.") for message in told] == (
        [True] * bool(last)
    )


def test_a_switch_leaves_the_next_option_alone() -> None:
    options = parse_job_options(f"--truncate_64bit_tensors {TARGET_RUNTIME} onnx", "compile")
    assert options.values == {TARGET_RUNTIME: "onnx"}
    assert len(options.notices) == 1


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("--frobnicate 3", "'--frobnicate' is not supported"),
        ("--frobnicate=3", "'--frobnicate' is not supported"),
        ("-c cpu", "'-c' is not supported"),
        ("cpu", "text 'cpu' is not supported"),
        ("--compute_unit", "needs a value: cpu|gpu|npu|all"),
        ("--compute_unit=", "needs a value: cpu|gpu|npu|all"),
        ("--compute_unit --max_profiler_iterations 3", "needs a value"),
        ("--compute_unit cpu all", "text 'all' is not supported"),
        ("--compute_unit tpu", "no compute unit 'tpu'"),
        ("--compute_unit cpu,", "no compute unit ''"),
        ("--max_profiler_iterations ten", "not a whole number"),
        ("--max_profiler_iterations 1.5", "not a whole number"),
        ("--max_profiler_iterations ٣", "not a whole number"),
        ("--max_profiler_iterations 0", "from 1 to 10000"),
        ("--max_profiler_iterations 999999999999999", "from 1 to 10000"),
        ("--max_profiler_time 3601", "from 1 to 3600"),
        ("--compute_unit 'cpu", "cannot be parsed (No closing quotation)"),
        ("--dequantize_outputs maybe", "text 'maybe' is not supported"),
        ("--dequantize_outputs=maybe", "must be true or false"),
        ("--qnn_options a=b;;c=d", "'' is not of the form name=value"),
        ("--qnn_options a", "'a' is not of the form name=value"),
        ("--qnn_options a=b;a=c", "a is repeated"),
        ("--qnn_options a=b --qnn_options a=c", "a is given twice, with different values"),
        ("--tflite_delegates qnn,,gpu", "a name is empty"),
        ("--tflite_delegates qnn,qnn", "a name is repeated"),
    ],
)
def test_refusals_name_the_option_and_what_to_do(text: str, told: str) -> None:
    failure = parse_failure(text)

    assert failure.failure_type is FailureType.INVALID_ARGUMENT
    assert told in failure.reason
    assert re.search(
        r"Supported: --\w+ \(|needs a value: cpu\|gpu|Quote values|Did you mean",
        failure.reason,
    )


@pytest.mark.parametrize(
    ("text", "kind", "closest"),
    [
        ("--target_runtim onnx", "compile", "--target_runtime"),
        ("--target-runtime onnx", "compile", "--target_runtime"),
        ("-target_runtime onnx", "compile", "--target_runtime"),
        ("target_runtime onnx", "compile", "--target_runtime"),
        ("--target_runtime qnn_contxt_binary", "compile", "qnn_context_binary"),
        ("--quantize_full_type w8a61", "compile", "w8a16"),
        ("--compute_units npu", "inference", "--compute_unit"),
        ("--range_scheme minmax", "quantize", "min_max"),
        ("--qnn_option a=b", "link", "--qnn_options"),
    ],
)
def test_typos_are_answered_by_what_was_meant(text: str, kind: JobTypeName, closest: str) -> None:
    assert f" Did you mean '{closest}'" in parse_failure(text, kind).reason


@pytest.mark.parametrize(
    ("text", "kind"),
    [
        ("--lite_mp percentage=N", "quantize"),
        ("--lite_mp 'percentage=10;override_qtype=int16;x=y'", "quantize"),
        ("--lite_mp fp61", "quantize"),
        ("--max_profiler_iterations '1 to 1000'", "profile"),
        ("--qairt_version 'a version'", "compile"),
    ],
)
def test_no_template_is_offered_as_a_correction(text: str, kind: JobTypeName) -> None:
    reason = parse_failure(text, kind).reason
    assert "Did you mean" not in reason
    assert "Supported: --" in reason


@pytest.mark.parametrize("runtime", ["qnn_lib_aarch64_android"])
def test_known_runtimes_without_a_compiler_are_unsupported(runtime: str) -> None:
    failure = parse_failure(f"{TARGET_RUNTIME} {runtime}", "compile")

    assert failure.failure_type is FailureType.UNSUPPORTED
    assert runtime in failure.reason
    assert "Supported: --target_runtime onnx" in failure.reason


@pytest.mark.parametrize(
    ("text", "kind"), [(f"{TARGET_RUNTIME} onxx", "compile"), ("--range_scheme no", "quantize")]
)
def test_what_there_is_not_is_invalid(text: str, kind: JobTypeName) -> None:
    failure = parse_failure(text, kind)

    assert failure.failure_type is FailureType.INVALID_ARGUMENT
    assert "there is no such" in failure.reason


@pytest.mark.parametrize(
    ("units", "missing"),
    [("cpu", ""), ("all", ""), ("npu,cpu", "npu"), ("cpu,gpu,npu", "gpu,npu")],
)
def test_compute_units_with_the_cpu_among_them(units: str, missing: str) -> None:
    found = parse_job_options(f"{COMPUTE_UNIT} {units}", "profile").values[COMPUTE_UNIT]

    notices = check_compute_units(found, ["cpu"])

    assert [notice["severity"] for notice in notices] == ["INFO"] * bool(missing)
    assert all(f"on cpu, not on {missing}." in notice["message"] for notice in notices)


def test_compute_units_without_the_cpu_are_unsupported() -> None:
    with pytest.raises(JobFailure, match="CPU of this hub's host") as caught:
        check_compute_units(["npu"], ["cpu"])

    assert caught.value.failure_type is FailureType.UNSUPPORTED


@pytest.mark.parametrize(
    ("used", "where"), [("cpu", "the CPU of this hub's host"), ("npu", "a simulated NPU")]
)
def test_what_asks_for_a_gpu_runs_elsewhere_with_a_warning(used: str, where: str) -> None:
    found = parse_job_options(f"{COMPUTE_UNIT} gpu", "profile").values[COMPUTE_UNIT]

    (notice,) = check_compute_units(found, [used])

    assert notice["severity"] == "WARNING"
    assert f"no GPU, and the model ran on {where}" in notice["message"]


def test_the_time_to_measure_is_a_number_of_seconds() -> None:
    assert parse_job_options(f"{PROFILER_TIME}=60", "profile").values == {PROFILER_TIME: 60}
