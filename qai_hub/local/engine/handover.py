"""Hands the rest of a compile job on to a worker with the packages of an engine."""

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from qai_hub.local.engine.failures import missing_engine
from qai_hub.local.engine.machine import tool_versions
from qai_hub.local.engine.protocol import AttemptRequest, InputModel, Report, TensorSpec
from qai_hub.local.engines.catalog import Engine, engine_of_runtime
from qai_hub.local.enums import ModelType


def require_engine(runtime: str | None, request: AttemptRequest) -> Engine | None:
    """Return the engine that makes models for a target runtime; None if the hub itself does.

    Args:
        runtime: The target runtime; None for the default.
        request: The job's request.

    Raises:
        JobFailure: The engine is not installed.
    """
    engine = engine_of_runtime(runtime)
    if engine is not None and engine.name not in request.engines:
        raise missing_engine(engine)
    return engine


def hand_on(
    request: AttemptRequest,
    engine: Engine,
    model: Path,
    float_model: Path | None,
    inputs: Sequence[TensorSpec],
) -> Report:
    """Leave the rest to a worker with the packages of an engine.

    Args:
        request: The job's request.
        engine: The engine.
        model: The optimised model.
        float_model: The model that it was quantized from; None if this job has not quantized it.
        inputs: Its inputs.
    """
    handed_on = InputModel(path=model, model_type=ModelType.ONNX, source=float_model)
    stage = replace(
        request,
        kind=engine.name,
        engine=engine.name,
        inputs=(handed_on,),
        input_specs=tuple(inputs),
    )
    return Report(result={"tool_versions": tool_versions()}, next_stage=stage)
