"""The table of all job options, and how this hub handles each of them."""

from collections.abc import Callable, Mapping

from qai_hub.local.engine.options import (
    FULL_TYPES,
    RUNTIMES,
    Done,
    Ignored,
    Option,
    Options,
    Refused,
    Rule,
    compute_units,
    full_type,
    names,
    number,
    parse_options,
    range_scheme,
    settings,
    switch,
    target_runtime,
    tflite_settings,
)
from qai_hub.local.enums import JobTypeName
from qai_hub.option_string import QNN_OPTIONS, TARGET_RUNTIME

MOST_ITERATIONS = 10_000
DEFAULT_ITERATIONS = 100
SIMULATED_ITERATIONS = 5
MOST_SECONDS = 3600
DEFAULT_SECONDS = 30

COMPUTE_UNIT = "--compute_unit"
DEQUANTIZE = "--dequantize_outputs"
TFLITE_OPTIONS = "--tflite_options"
OUTPUT_NAMES = "--output_names"
TRUNCATE_64BIT_IO = "--truncate_64bit_io"
CHANNEL_LAST_INPUT = "--force_channel_last_input"
CHANNEL_LAST_OUTPUT = "--force_channel_last_output"
FULL_TYPE = "--quantize_full_type"
ITERATIONS = "--max_profiler_iterations"
PROFILER_TIME = "--max_profiler_time"

_FOR_TFLITE = Refused("it is for TensorFlow Lite, to which there is no converter from ONNX")
_ONE_QNN = Ignored("this hub has the one QNN that its extra `qnn` brings")
_ONLY_HERE = Ignored("here the model runs by ONNX Runtime, on the CPU, with its default settings")
_NO_PROFILE = Ignored("it is for profiling")


def _of_runs(rule: Rule) -> dict[JobTypeName, Rule]:
    return {"inference": rule, "profile": rule}


def _text(value: str) -> str:
    return value


Rules = Mapping[JobTypeName, Rule]


def _switch(flag: str, rules: Rules) -> Option:
    return Option(flag=flag, takes="true|false", read=switch, rules=rules, switch=True)


def _names(flag: str, rules: Rules, of: str | None = None) -> Option:
    takes = f"names{f' of {of}' if of else ''}, with commas between them"
    return Option(flag=flag, takes=takes, read=names, rules=rules)


def _settings(
    flag: str,
    rules: Rules,
    takes: str = "name=value;name=value",
    read: Callable[[str], dict[str, str]] = settings,
) -> Option:
    return Option(flag=flag, takes=takes, read=read, rules=rules, repeats=True)


OPTIONS = (
    Option(
        flag=TARGET_RUNTIME,
        takes="|".join(RUNTIMES),
        read=target_runtime,
        rules={"compile": Done("ONNX by default; QNN's need the extra `qnn`; others are refused")},
    ),
    _names(OUTPUT_NAMES, {"compile": Done("one for each output, in order")}),
    _switch(
        TRUNCATE_64BIT_IO,
        {"compile": Done("int64 inputs and outputs become int32; larger values wrap around")},
    ),
    _switch(
        "--truncate_64bit_tensors",
        {"compile": Ignored("ONNX Runtime computes with 64-bit integers")},
    ),
    _names(
        CHANNEL_LAST_INPUT,
        of="inputs",
        rules={
            "compile": Done(
                "CHW, NCHW or NCDHW becomes HWC, NHWC or NDHWC; `input_specs` are as before"
            )
        },
    ),
    _names(
        CHANNEL_LAST_OUTPUT,
        of="outputs",
        rules={"compile": Done("as with inputs; the names are those of `--output_names`")},
    ),
    Option(
        flag=FULL_TYPE,
        takes=FULL_TYPES,
        read=full_type,
        rules={"compile": Done("with `calibration_data`, as quantize jobs do it")},
    ),
    Option(
        flag="--quantize_weight_type",
        takes="float16",
        read=_text,
        rules={"compile": _FOR_TFLITE},
    ),
    _switch(
        "--quantize_io",
        {"compile": Ignored("the inputs and outputs of the target model stay floats")},
    ),
    Option(
        flag="--quantize_io_type",
        takes="int8|uint8",
        read=_text,
        rules={"compile": _FOR_TFLITE},
    ),
    Option(
        flag="--range_scheme",
        takes="auto|min_max",
        read=range_scheme,
        rules={"quantize": Done("smallest and largest value, by either; others are refused")},
    ),
    _settings(
        "--lite_mp",
        takes="percentage=N;override_qtype=TYPE",
        rules={"quantize": Refused("it gives all layers the same types")},
    ),
    Option(
        flag=COMPUTE_UNIT,
        takes="cpu|npu|all",
        read=compute_units,
        rules={
            "compile": Ignored("what ONNX Runtime runs the model on is chosen when it runs"),
            **_of_runs(Done("must hold where the model runs: cpu, or npu for QNN's formats")),
        },
    ),
    Option(
        flag=ITERATIONS,
        takes=f"1 to {MOST_ITERATIONS}",
        read=number(MOST_ITERATIONS),
        rules={
            "inference": _NO_PROFILE,
            "profile": Done(
                f"most inferences to time; {DEFAULT_ITERATIONS} by default, "
                f"{SIMULATED_ITERATIONS} in a simulation"
            ),
        },
    ),
    Option(
        flag=PROFILER_TIME,
        takes=f"1 to {MOST_SECONDS} seconds",
        read=number(MOST_SECONDS),
        rules={
            "inference": _NO_PROFILE,
            "profile": Done(
                f"seconds after which none is begun; {DEFAULT_SECONDS} by default, not 600"
            ),
        },
    ),
    _switch(DEQUANTIZE, _of_runs(Done("quantized outputs of .tflite models are given as float32"))),
    _settings(
        QNN_OPTIONS,
        {
            "compile": Done("for QNN's runtimes: the graph's name, optimizations, memory"),
            **_of_runs(Done("which graph of a context binary is to run")),
            "link": Done("which graphs go into the context binary"),
        },
    ),
    Option(
        flag="--qairt_version",
        takes="a version",
        read=_text,
        rules={"compile": _ONE_QNN, **_of_runs(_ONE_QNN), "link": _ONE_QNN},
    ),
    _settings("--onnx_options", _of_runs(_ONLY_HERE)),
    _names("--onnx_execution_providers", _of_runs(_ONLY_HERE)),
    _settings(
        TFLITE_OPTIONS,
        read=tflite_settings,
        rules=_of_runs(Done("for .tflite models: number_of_threads; others are ignored")),
    ),
    _names(
        "--tflite_delegates",
        _of_runs(Ignored("here .tflite models run by LiteRT, on the CPU, with XNNPACK")),
    ),
)


def options_of(text: str, kind: JobTypeName) -> Options:
    """Parse the options of a job.

    Args:
        text: The options as submitted.
        kind: The job type.

    Returns:
        The parsed options.

    Raises:
        JobFailure: An option is unknown, malformed, repeated, or not supported here.
    """
    return parse_options(text, kind, OPTIONS)
