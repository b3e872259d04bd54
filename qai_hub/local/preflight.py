"""Checks a model for a device on this machine, without a hub: in a worker process of its own."""

import threading
from collections.abc import Sequence
from importlib.util import find_spec
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from qai_hub.local.devices import DeviceCatalogue, DeviceQuery
from qai_hub.local.engine.attempt import AttemptRequest, InputModel, TensorSpec, run_attempt

_NEEDED = ("h5py", "onnx", "onnxruntime")
# Far more than the largest models take; an operator that never ends must not block a script.
_TIME_LIMIT = 3600.0


def missing_packages() -> list[str]:
    """Return the packages that a check needs and that are not installed."""
    return [name for name in _NEEDED if find_spec(name) is None]


def check_for_device(
    path: Path,
    model_type: str,
    query: DeviceQuery,
    options: str,
    specs: Sequence[tuple[str, tuple[int, ...], str]],
) -> dict[str, Any]:
    """Examine whether a compile job would accept a model, and where its nodes would run.

    Args:
        path: The model.
        model_type: Its format, such as "MODEL_TYPE_ONNX".
        query: The device.
        options: Options of the compile job.
        specs: Name, shape and element type of each input; empty to take them from the model.

    Returns:
        The device and its chip, and the result of `qai_hub.local.engine.preflight`.

    Raises:
        ProblemError: No device matches.
    """
    device = DeviceCatalogue.load().resolve(query)
    request = AttemptRequest(
        kind="check",
        inputs=(InputModel(path=path.absolute(), model_type=model_type),),
        options=options,
        input_specs=tuple(
            TensorSpec(name=n, shape=shape, dtype=dtype) for n, shape, dtype in specs
        ),
        soc=device.soc,
    )
    with TemporaryDirectory(prefix="qai-hub-check-") as folder:
        outcome = run_attempt(
            request,
            Path(folder),
            time_limit=_TIME_LIMIT,
            memory_limit=None,
            cancelled=threading.Event(),
        )
    result: dict[str, Any] = outcome.result
    if not outcome.succeeded:
        result = {"refusal": outcome.reason, "failure_type": outcome.failure_type}
    about = {**device.to_json(), "soc": device.soc.to_json()}
    return {**result, "device": about}
