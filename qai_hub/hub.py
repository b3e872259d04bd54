"""The client's methods as functions, bound to a default client.

The default client reads the environment and `~/.qai_hub/client.ini` when it is first used.
"""

from __future__ import annotations

import functools
import inspect
from collections.abc import Callable
from typing import TYPE_CHECKING, Any, cast

from qai_hub._names import METHODS
from qai_hub.client import Client
from qai_hub.client.waits import as_completed as as_completed  # noqa: PLC0414 - re-exported
from qai_hub.client.waits import wait_all as wait_all  # noqa: PLC0414 - re-exported
from qai_hub.preflight import check_model as check_model  # noqa: PLC0414 - re-exported

# Scripts read its attributes and assign to it; None makes the next call create a new client.
_global_client: Any = Client()


def _default_client() -> Client:
    global _global_client  # noqa: PLW0603 (the name that scripts assign)
    if _global_client is None:
        _global_client = Client()
    return cast(Client, _global_client)


def _bind_method(name: str) -> Callable[..., Any]:
    method = getattr(Client, name)

    @functools.wraps(method)
    def function(*args: Any, **kwargs: Any) -> Any:  # noqa: ANN401
        return getattr(_default_client(), name)(*args, **kwargs)

    signature = inspect.signature(method)
    parameters = list(signature.parameters.values())[1:]
    function.__signature__ = signature.replace(parameters=parameters)  # type: ignore[attr-defined]
    function.__module__ = __name__
    function.__qualname__ = name
    return function


if TYPE_CHECKING:
    _typed = Client()
    cancel_job = _typed.cancel_job
    create_sign_in_link = _typed.create_sign_in_link
    get_dataset = _typed.get_dataset
    get_datasets = _typed.get_datasets
    get_device_attributes = _typed.get_device_attributes
    get_devices = _typed.get_devices
    get_frameworks = _typed.get_frameworks
    get_job = _typed.get_job
    get_job_summaries = _typed.get_job_summaries
    get_model = _typed.get_model
    get_models = _typed.get_models
    get_user = _typed.get_user
    iter_datasets = _typed.iter_datasets
    iter_job_summaries = _typed.iter_job_summaries
    iter_jobs = _typed.iter_jobs
    iter_models = _typed.iter_models
    lock_jobs = _typed.lock_jobs
    replay_lock = _typed.replay_lock
    set_session_token = _typed.set_session_token
    set_verbose = _typed.set_verbose
    submit_compile_and_link_jobs = _typed.submit_compile_and_link_jobs
    submit_compile_and_profile_jobs = _typed.submit_compile_and_profile_jobs
    submit_compile_job = _typed.submit_compile_job
    submit_inference_job = _typed.submit_inference_job
    submit_link_job = _typed.submit_link_job
    submit_profile_job = _typed.submit_profile_job
    submit_quantize_job = _typed.submit_quantize_job
    upload_dataset = _typed.upload_dataset
    upload_model = _typed.upload_model
else:
    globals().update({name: _bind_method(name) for name in METHODS})

# Scripts that replace the default client rebind each of these names to the new client's method.
__all__ = list(METHODS)
