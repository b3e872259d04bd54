"""The same job in Python and in the shell, to be copied."""

import json
import shlex
from collections.abc import Iterator, Mapping
from typing import Any

from qai_hub.local.pages.job_facts import JobFacts

Json = Mapping[str, Any]


def python_snippet(job: JobFacts) -> str:
    """Return Python code that submits the same job."""
    fields = job.fields
    device = fields.get("device")
    if job.type == "link":
        models = ", ".join(f"hub.get_model({_id(each)})" for each in fields["models"]["models"])
        arguments = [f"models=[{models}]"]
    else:
        arguments = [f"model=hub.get_model({_id(fields['model'])})"]
    if device:
        arguments.append(f"device=hub.Device({device['name']!r}, {device.get('os', '')!r})")
    arguments += _arguments_of_type(job)
    if job.name:
        arguments.append(f"name={job.name!r}")
    if fields.get("options"):
        arguments.append(f"options={fields['options']!r}")
    lines = "".join(f"    {each},\n" for each in arguments)
    return f"import qai_hub as hub\n\njob = hub.submit_{_verb(job)}_job(\n{lines})\n"


def _arguments_of_type(job: JobFacts) -> Iterator[str]:
    fields = job.fields
    if "calibration_dataset" in fields:
        yield f"calibration_data=hub.get_dataset({_dataset(fields['calibration_dataset'])})"
    if "dataset" in fields:
        yield f"inputs=hub.get_dataset({_dataset(fields['dataset'])})"
    if job.type == "quantize":
        yield f"weights_dtype=hub.QuantizeDtype.{_dtype(fields['weights_dtype'])}"
        yield f"activations_dtype=hub.QuantizeDtype.{_dtype(fields['activations_dtype'])}"
    elif job.type == "inference" and not fields["is_profiling_on"]:
        yield "profile=False"
    elif job.type == "compile" and "tensor_type_list" in fields:
        yield f"input_specs={_specs(fields['tensor_type_list'])!r}"


def shell_snippet(job: JobFacts) -> str:
    """Return a command that submits the same job."""
    return " ".join(shlex.quote(word) for word in _words(job))


def _words(job: JobFacts) -> Iterator[str]:
    fields = job.fields
    device = fields.get("device") or {}
    models = fields["models"]["models"] if job.type == "link" else [fields["model"]]
    yield from ("qai-hub", "submit", _verb(job), *(model["model_id"] for model in models))
    if device:
        yield from ("--device", device["name"])
    if device.get("os"):
        yield from ("--device-os", device["os"])
    yield from _words_of_type(job)
    if job.name:
        yield f"--name={job.name}"
    if fields.get("options"):
        yield f"--options={fields['options']}"


def _words_of_type(job: JobFacts) -> Iterator[str]:
    fields = job.fields
    if "calibration_dataset" in fields:
        yield from ("--calibration-data", fields["calibration_dataset"]["dataset_id"])
    if "dataset" in fields:
        yield from ("--inputs", fields["dataset"]["dataset_id"])
    if job.type == "quantize":
        yield from ("--weights", _dtype(fields["weights_dtype"]).lower())
        yield from ("--activations", _dtype(fields["activations_dtype"]).lower())
    elif job.type == "inference" and not fields["is_profiling_on"]:
        yield "--no-profiling"
    elif job.type == "compile" and "tensor_type_list" in fields:
        # JSON has no single quotes of its own, which shells need for what has blanks and brackets.
        specs = json.dumps(_specs(fields["tensor_type_list"]), ensure_ascii=False)
        yield from ("--input-specs", specs)


def _verb(job: JobFacts) -> str:
    return "inference" if job.type == "profile" else job.type


def _id(model: Json) -> str:
    return repr(model["model_id"])


def _dataset(dataset: Json) -> str:
    return repr(dataset["dataset_id"])


def _dtype(name: str) -> str:
    return name.removeprefix("QUANTIZE_DTYPE_")


def _specs(types: Json) -> dict[str, tuple[tuple[int, ...], str]]:
    """Return input specs as `submit_compile_job` takes them."""
    return {
        each["name"]: (
            tuple(each["tensor_type"]["shape"]),
            each["tensor_type"]["dtype"].removeprefix("TENSOR_DTYPE_").lower(),
        )
        for each in types["types"]
    }
