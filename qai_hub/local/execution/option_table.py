"""The table of all options of jobs, and what becomes of each on this hub."""

from qai_hub.local.execution.option_values import (
    RUNTIMES,
    compute_units,
    names,
    number,
    range_scheme,
    settings,
    switch,
    target_runtime,
)
from qai_hub.local.execution.options import (
    Done,
    Ignored,
    JobKind,
    Option,
    Options,
    Refused,
    Rule,
    parse_options,
)

MOST_ITERATIONS = 10_000
DEFAULT_ITERATIONS = 100
MOST_SECONDS = 3600
DEFAULT_SECONDS = 30

TARGET_RUNTIME = "--target_runtime"
COMPUTE_UNIT = "--compute_unit"
ITERATIONS = "--max_profiler_iterations"
PROFILER_TIME = "--max_profiler_time"

_QUANTIZE_FIRST = Refused("quantize with a quantize job, then compile its target model")
_NOT_YET = Refused("the target model keeps the inputs and outputs of the model as they are")
_NO_QNN = Ignored("it is for Qualcomm's runtime, and here the model runs by ONNX Runtime")
_NO_LINKING = Refused("it cannot link models")
_ONLY_HERE = Ignored("here the model runs by ONNX Runtime, on the CPU, with its default settings")
_NO_PROFILE = Ignored("it is for profiling")


def _of_runs(rule: Rule) -> dict[JobKind, Rule]:
    return {"inference": rule, "profile": rule}


def _text(value: str) -> str:
    return value


OPTIONS = (
    Option(
        flag=TARGET_RUNTIME,
        takes="|".join(RUNTIMES),
        read=target_runtime,
        rules={"compile": Done("ONNX for ONNX Runtime; other runtimes are refused")},
    ),
    Option(
        flag="--output_names",
        takes="names, with commas between them",
        read=names,
        rules={"compile": _NOT_YET},
    ),
    Option(
        flag="--truncate_64bit_io",
        takes="true|false",
        read=switch,
        switch=True,
        rules={"compile": _NOT_YET},
    ),
    Option(
        flag="--truncate_64bit_tensors",
        takes="true|false",
        read=switch,
        switch=True,
        rules={"compile": Ignored("ONNX Runtime computes with 64-bit integers")},
    ),
    Option(
        flag="--force_channel_last_input",
        takes="names of inputs, with commas between them",
        read=names,
        rules={"compile": _NOT_YET},
    ),
    Option(
        flag="--force_channel_last_output",
        takes="names of outputs, with commas between them",
        read=names,
        rules={"compile": _NOT_YET},
    ),
    Option(
        flag="--quantize_full_type",
        takes="int8|int16|w8a16|w4a8|w4a16|float16",
        read=_text,
        rules={"compile": _QUANTIZE_FIRST},
    ),
    Option(
        flag="--quantize_weight_type",
        takes="float16",
        read=_text,
        rules={"compile": _QUANTIZE_FIRST},
    ),
    Option(
        flag="--quantize_io",
        takes="true|false",
        read=switch,
        switch=True,
        rules={"compile": _QUANTIZE_FIRST},
    ),
    Option(
        flag="--quantize_io_type",
        takes="int8|uint8",
        read=_text,
        rules={"compile": _QUANTIZE_FIRST},
    ),
    Option(
        flag="--range_scheme",
        takes="auto|min_max",
        read=range_scheme,
        rules={"quantize": Done("smallest and largest value, by either; others are refused")},
    ),
    Option(
        flag="--lite_mp",
        takes="percentage=N;override_qtype=TYPE",
        read=settings,
        repeats=True,
        rules={"quantize": Refused("it gives all layers the same types")},
    ),
    Option(
        flag=COMPUTE_UNIT,
        takes="cpu|all",
        read=compute_units,
        rules={
            "compile": Ignored("what ONNX Runtime runs the model on is chosen when it runs"),
            **_of_runs(Done("the host's CPU; lists without cpu or all are refused")),
        },
    ),
    Option(
        flag=ITERATIONS,
        takes=f"1 to {MOST_ITERATIONS}",
        read=number(MOST_ITERATIONS),
        rules={
            "inference": _NO_PROFILE,
            "profile": Done(f"most inferences to time; {DEFAULT_ITERATIONS} by default"),
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
    Option(
        flag="--dequantize_outputs",
        takes="true|false",
        read=switch,
        switch=True,
        rules=_of_runs(Ignored("outputs are as the model gives them")),
    ),
    Option(
        flag="--qnn_options",
        takes="name=value;name=value",
        read=settings,
        repeats=True,
        rules={"compile": _NO_QNN, **_of_runs(_NO_QNN), "link": _NO_LINKING},
    ),
    Option(
        flag="--qairt_version",
        takes="a version",
        read=_text,
        rules={"compile": _NO_QNN, **_of_runs(_NO_QNN), "link": _NO_LINKING},
    ),
    Option(
        flag="--onnx_options",
        takes="name=value;name=value",
        read=settings,
        repeats=True,
        rules=_of_runs(_ONLY_HERE),
    ),
    Option(
        flag="--onnx_execution_providers",
        takes="names, with commas between them",
        read=names,
        rules=_of_runs(_ONLY_HERE),
    ),
    Option(
        flag="--tflite_options",
        takes="name=value;name=value",
        read=settings,
        repeats=True,
        rules=_of_runs(_ONLY_HERE),
    ),
    Option(
        flag="--tflite_delegates",
        takes="names, with commas between them",
        read=names,
        rules=_of_runs(_ONLY_HERE),
    ),
)


def options_of(text: str, kind: JobKind) -> Options:
    """Read the options of a job of one kind.

    Args:
        text: The options as submitted.
        kind: The kind of the job.

    Returns:
        What they say.

    Raises:
        JobFailure: Something is unknown, malformed, given twice, or cannot be done here.
    """
    return parse_options(text, kind, OPTIONS)
