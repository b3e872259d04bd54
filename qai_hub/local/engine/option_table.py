"""The table of all job options, and how this hub handles each of them."""

from collections.abc import Callable, Mapping

from qai_hub.local.engine.options import (
    FULL_TYPES,
    HALF,
    OVERRIDE_TYPES,
    RANGE_SCHEMES,
    RUNTIMES,
    Handling,
    Ignored,
    Option,
    Options,
    Supported,
    integer_parser,
    parse_compute_units,
    parse_full_type,
    parse_io_type,
    parse_level,
    parse_mixed_precision,
    parse_names,
    parse_options,
    parse_range_scheme,
    parse_settings,
    parse_switch,
    parse_target_runtime,
    parse_tflite_settings,
    parse_weight_type,
)
from qai_hub.local.engines.qairt import TAGS, parse_version
from qai_hub.local.enums import JobTypeName
from qai_hub.option_string import (
    OPTIMIZATION_LEVEL,
    QAIRT_VERSION,
    QNN_OPTIONS,
    TARGET_RUNTIME,
)

MAX_ITERATIONS = 10_000
DEFAULT_ITERATIONS = 100
SIMULATED_ITERATIONS = 2
MAX_PROFILER_SECONDS = 3600
DEFAULT_PROFILER_SECONDS = 30

COMPUTE_UNIT = "--compute_unit"
DEQUANTIZE = "--dequantize_outputs"
TFLITE_OPTIONS = "--tflite_options"
OUTPUT_NAMES = "--output_names"
QUANTIZE_IO = "--quantize_io"
TRUNCATE_64BIT_IO = "--truncate_64bit_io"
CHANNEL_LAST_INPUT = "--force_channel_last_input"
CHANNEL_LAST_OUTPUT = "--force_channel_last_output"
SKIP_TARGET_CHECK = "--skip_target_check"
FULL_TYPE = "--quantize_full_type"
WEIGHT_TYPE = "--quantize_weight_type"
QUANTIZE_IO_TYPE = "--quantize_io_type"
RANGE_SCHEME = "--range_scheme"
LITE_MP = "--lite_mp"
INT16_ACTIVATIONS = "--int16_activations"
ITERATIONS = "--max_profiler_iterations"
PROFILER_TIME = "--max_profiler_time"

_ONE_CONVERTER = Ignored("this hub has one converter for each runtime, and uses that")
_CPU_ONLY = Ignored("this hub uses ONNX Runtime on the CPU, with default settings")
_PROFILE_ONLY = Ignored("it applies to profile jobs only")


def _for_run_jobs(handling: Handling) -> dict[JobTypeName, Handling]:
    return {"inference": handling, "profile": handling}


HandlingByJob = Mapping[JobTypeName, Handling]


def _switch_option(flag: str, handling: HandlingByJob, *, keeps_false: bool = False) -> Option:
    return Option(
        flag=flag,
        accepted="true|false",
        parse=parse_switch,
        handling=handling,
        is_switch=True,
        keeps_false=keeps_false,
    )


def _names_option(flag: str, handling: HandlingByJob, of: str | None = None) -> Option:
    accepted = f"comma-separated names{f' of {of}' if of else ''}"
    return Option(flag=flag, accepted=accepted, parse=parse_names, handling=handling)


def _settings_option(
    flag: str,
    handling: HandlingByJob,
    accepted: str = "name=value;name=value",
    parse: Callable[[str], dict[str, str]] = parse_settings,
) -> Option:
    return Option(flag=flag, accepted=accepted, parse=parse, handling=handling, repeatable=True)


OPTIONS = (
    Option(
        flag=TARGET_RUNTIME,
        accepted="|".join(RUNTIMES),
        parse=parse_target_runtime,
        handling={
            "compile": Supported(
                "ONNX by default; QNN runtimes need the extra `qnn`, tflite needs the engine "
                "`tflite`; others fail the job"
            )
        },
    ),
    _names_option(OUTPUT_NAMES, {"compile": Supported("one for each output, in order")}),
    _switch_option(
        TRUNCATE_64BIT_IO,
        {"compile": Supported("int64 inputs and outputs become int32; larger values wrap around")},
    ),
    _switch_option(
        "--truncate_64bit_tensors",
        {
            "compile": Ignored(
                "runtimes compute with 64-bit integers, or the target model has 32-bit ones anyway"
            )
        },
    ),
    _names_option(
        CHANNEL_LAST_INPUT,
        of="inputs",
        handling={
            "compile": Supported(
                "CHW, NCHW or NCDHW becomes HWC, NHWC or NDHWC; `input_specs` are as before"
            )
        },
    ),
    _names_option(
        CHANNEL_LAST_OUTPUT,
        of="outputs",
        handling={"compile": Supported("as with inputs; the names are those of `--output_names`")},
    ),
    Option(
        flag=FULL_TYPE,
        accepted=FULL_TYPES,
        parse=parse_full_type,
        handling={
            "compile": Supported(
                "needs `calibration_data`; quantizes as quantize jobs do. float16 needs none: for "
                "tflite, weights are 16-bit floats; QNN runtimes compute floats so anyway"
            )
        },
    ),
    Option(
        flag=WEIGHT_TYPE,
        accepted=HALF,
        parse=parse_weight_type,
        handling={
            "compile": Supported("for tflite: weights are stored as 16-bit floats; else it fails")
        },
    ),
    _switch_option(
        QUANTIZE_IO,
        {
            "compile": Supported(
                "inputs and outputs that the model quantizes become integers; for ONNX and QNN, a "
                "notice has their scales"
            )
        },
    ),
    Option(
        flag=QUANTIZE_IO_TYPE,
        accepted="int8|uint8",
        parse=parse_io_type,
        handling={
            "compile": Supported("for tflite, with `--quantize_io`; int8 by default; else it fails")
        },
    ),
    _switch_option("--use_qnn_onnx_ep_converter", {"compile": _ONE_CONVERTER}),
    _switch_option("--use_tfl_converter", {"compile": _ONE_CONVERTER}),
    Option(
        flag=OPTIMIZATION_LEVEL,
        accepted="0|1|2|3",
        parse=parse_level,
        handling={
            "compile": Ignored(
                "what its levels change in the service's compilers is not public; "
                "`default_graph_htp_optimizations` of `--qnn_options` is obeyed"
            )
        },
    ),
    Option(
        flag=RANGE_SCHEME,
        accepted="|".join(RANGE_SCHEMES),
        parse=parse_range_scheme,
        handling={
            "quantize": Supported(
                "auto and min_max: the smallest and largest value; mse_minimizer: the range that "
                "leaves the smallest mean squared error, for activations"
            )
        },
    ),
    Option(
        flag=LITE_MP,
        accepted=f"percentage=N;override_qtype={'|'.join(OVERRIDE_TYPES)}",
        parse=parse_mixed_precision,
        handling={
            "quantize": Supported(
                "the layers that cost most accuracy, as trials on the calibration data tell, get "
                "activations of 16 bits (int16), weights of 16 bits where activations have them "
                "(int16), or 16-bit floats (fp16)"
            )
        },
    ),
    _names_option(
        INT16_ACTIVATIONS,
        of="tensors",
        handling={
            "quantize": Supported(
                "for 8-bit activations: these tensors are kept at 16 bits; of this hub alone"
            )
        },
    ),
    Option(
        flag=COMPUTE_UNIT,
        accepted="cpu|gpu|npu|all",
        parse=parse_compute_units,
        handling={
            "compile": Ignored("the compute unit is chosen when the model runs"),
            **_for_run_jobs(
                Supported(
                    "must include what the model runs on: cpu, or npu for QNN formats; with gpu it "
                    "runs on that, with a warning, since there is no GPU"
                )
            ),
        },
    ),
    Option(
        flag=ITERATIONS,
        accepted=f"1 to {MAX_ITERATIONS}",
        parse=integer_parser(MAX_ITERATIONS),
        handling={
            "inference": _PROFILE_ONLY,
            "profile": Supported(
                f"maximum number of inferences to time; {DEFAULT_ITERATIONS} by default, "
                f"{SIMULATED_ITERATIONS} in a simulation"
            ),
        },
    ),
    Option(
        flag=PROFILER_TIME,
        accepted=f"1 to {MAX_PROFILER_SECONDS} seconds",
        parse=integer_parser(MAX_PROFILER_SECONDS),
        handling={
            "inference": _PROFILE_ONLY,
            "profile": Supported(
                f"seconds after which no inference starts; {DEFAULT_PROFILER_SECONDS} by "
                "default, not 600"
            ),
        },
    ),
    _switch_option(
        DEQUANTIZE,
        _for_run_jobs(
            Supported(
                "quantized outputs are returned as float32; so they are without it, unless it is "
                "false"
            )
        ),
        keeps_false=True,
    ),
    _settings_option(
        QNN_OPTIONS,
        {
            "compile": Supported("for QNN runtimes: the graph's name, optimizations, memory"),
            **_for_run_jobs(Supported("which graph of a context binary to run")),
            "link": Supported("which graphs go into the context binary"),
        },
    ),
    _switch_option(
        SKIP_TARGET_CHECK,
        dict.fromkeys(
            ("compile", "link"),
            Supported(
                "for QNN runtimes and tflite: the target model is not compared with the source "
                "model; of this hub alone"
            ),
        ),
    ),
    Option(
        flag=QAIRT_VERSION,
        accepted=f"a version|{'|'.join(TAGS)}",
        parse=parse_version,
        handling=dict.fromkeys(
            ("compile", "inference", "profile", "link"),
            Supported(
                "for QNN: an older one needs its engine, such as `qnn-2.50`; without it, the "
                "nearest one that the hub has is used, with a warning"
            ),
        ),
    ),
    _settings_option("--onnx_options", _for_run_jobs(_CPU_ONLY)),
    _names_option("--onnx_execution_providers", _for_run_jobs(_CPU_ONLY)),
    _settings_option(
        TFLITE_OPTIONS,
        parse=parse_tflite_settings,
        handling=_for_run_jobs(
            Supported("for .tflite models: number_of_threads; others are ignored")
        ),
    ),
    _names_option(
        "--tflite_delegates",
        _for_run_jobs(Ignored("this hub uses LiteRT on the CPU, with XNNPACK")),
    ),
)


def parse_job_options(text: str, kind: JobTypeName) -> Options:
    """Parse the options of a job.

    Args:
        text: The options as submitted.
        kind: The job type.

    Returns:
        The parsed options.

    Raises:
        JobFailure: An option is unknown, malformed, or not supported here.
    """
    return parse_options(text, kind, OPTIONS)
