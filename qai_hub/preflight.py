"""Checking a model for a device on this machine, before anything is uploaded."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from qai_hub.errors import UserError
from qai_hub.resources.model_check import ModelCheck, NodeCheck
from qai_hub.sources import open_source
from qai_hub.submit.checks import check_devices, check_options, check_specs
from qai_hub.submit.model_checks import check_compilable

if TYPE_CHECKING:
    from qai_hub.resources.device import Device
    from qai_hub.tensors import InputSpecs

__all__ = ["check_model"]


def check_model(
    model: Any,  # noqa: ANN401 (a path, or a model in memory)
    device: Device,
    options: str = "",
    input_specs: InputSpecs | None = None,
) -> ModelCheck:
    """Checks on this machine what a compile job would make of a model.

    Nothing is uploaded and no hub is needed: the model is compiled as a local hub would do it, in a
    process of its own, within seconds. What the local hub refuses is refused for the same reason;
    the official service may support more or less. Needs the extras `local` and `qnn`.

    Args:
        model: Path of the model, or a model in memory, as for `submit_compile_job`.
        device: The device.
        options: Options of the compile job, such as `--target_runtime qnn_context_binary`.
        input_specs: Shapes and types of the inputs, as for `submit_compile_job`.

    Returns:
        Whether the job would succeed, why not, and where each node would run.

    Raises:
        FileNotFoundError: If the path does not exist.
        UserError: If an argument is not valid, no device matches, or packages are missing.

    Examples:
        >>> check = hub.check_model(
        ...     "model.onnx",
        ...     hub.Device("Samsung Galaxy S24"),
        ...     options="--target_runtime qnn_context_binary",
        ... )
        >>> check.ok
        True
    """
    (wanted,) = check_devices(device)
    options, specs = check_options("options", options), check_specs(input_specs)
    check_compilable(model, specs, options)
    try:
        from qai_hub.local.devices import DeviceQuery
        from qai_hub.local.errors import ProblemError
        from qai_hub.local.preflight import check_for_device, missing_packages
    except ImportError as error:
        raise _lacking([error.name or "the local hub"]) from error
    missing = missing_packages()
    if missing:
        raise _lacking(missing)
    query = DeviceQuery(name=wanted.name, os=wanted.os, attributes=wanted.attributes)
    inputs = [(name, shape, dtype) for name, (shape, dtype) in (specs or {}).items()]
    with open_source(model) as source, source.as_file() as path:
        try:
            found = check_for_device(
                path, f"MODEL_TYPE_{source.model_type.name}", query, options, inputs
            )
        except ProblemError as error:
            raise UserError(error.detail) from error
    return _read(found)


def _lacking(packages: list[str]) -> UserError:
    return UserError(
        f"Checking a model needs {', '.join(packages)}: pip install 'qai-hub-openapi[local,qnn]'."
    )


def _read(found: Mapping[str, Any]) -> ModelCheck:
    device, model = found["device"], found.get("model", {})
    return ModelCheck(
        ok=not found["refusal"],
        refusal=found["refusal"],
        failure_type=found["failure_type"].removeprefix("JOB_FAILURE_TYPE_"),
        device=device["name"],
        chip=device["soc"]["name"],
        hexagon=device["soc"]["hexagon"],
        float16=device["soc"]["fp16"],
        runtime=found.get("runtime", ""),
        format=model.get("format", ""),
        size=model.get("size", 0),
        opsets=model.get("opsets", {}),
        ir_version=model.get("ir_version"),
        inputs=tuple(map(_told, found.get("input_spec") or model.get("inputs", ()))),
        outputs=tuple(map(_told, found.get("output_spec") or model.get("outputs", ()))),
        nodes=tuple(NodeCheck(**node) for node in found.get("nodes", ())),
        notices=tuple(notice["message"] for notice in found.get("notices", ())),
    )


def _told(port: Mapping[str, Any]) -> str:
    shape = port["shape"]
    sizes = "..." if shape is None else ", ".join(map(str, shape))
    return f"{port['name']}: {port['dtype']}[{sizes}]"
