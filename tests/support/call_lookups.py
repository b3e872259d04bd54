"""Calls that look up jobs and devices, and constructors."""

from collections.abc import Callable
from typing import Any

from support.call_arguments import DEVICES
from support.call_context import CallContext, Maker
from support.call_registry import shape

import qai_hub as hub
from qai_hub.client import Client, Device


def _get_devices(make: Maker) -> Maker:
    def call(w: CallContext) -> Any:
        query = make(w)
        return w.client.get_devices(query.name, query.os, query.attributes)

    return call


for _name, _device in DEVICES.items():
    if _name.startswith(("no ", "nothing", "os", "open", "bad", "version", "attribute", "name w")):
        shape(f"get_devices {_name}")(_get_devices(_device))


@shape("get_devices all")
def _(w: CallContext) -> Any:
    return w.client.get_devices()


@shape("get_devices attribute without a colon")
def _(w: CallContext) -> Any:
    return w.client.get_devices(attributes="android")


@shape("get_job of another type")
def _(w: CallContext) -> Any:
    return w.client.get_job(w.job().job_id, hub.JobType.LINK)


@shape("get_job of its type")
def _(w: CallContext) -> Any:
    return w.client.get_job(w.job().job_id, hub.JobType.COMPILE)


@shape("get_job type by name")
def _(w: CallContext) -> Any:
    return w.client.get_job(w.job().job_id, "compile")


def _summaries(given: dict[str, Any]) -> Maker:
    return lambda w: w.client.get_job_summaries(**given)


def _build(constructor: Callable[[], Any]) -> Maker:
    return lambda _: constructor()


SUMMARIES: dict[str, dict[str, Any]] = {
    "state": {"state": hub.JobStatus.State.FAILED},
    "states": {"state": [hub.JobStatus.State.FAILED, hub.JobStatus.State.SUCCESS]},
    "running states": {"state": hub.JobStatus.all_running_states()},
    "no states": {"state": []},
    "tuple of states": {"state": (hub.JobStatus.State.FAILED,)},
    "state by name": {"state": "FAILED"},
    "status": {"state": hub.JobStatus(hub.JobStatus.State.FAILED)},
    "type": {"type": hub.JobType.PROFILE},
    "type by name": {"type": "profile"},
    "limit=0": {"limit": 0},
    "limit=-1": {"limit": -1},
    "offset=-1": {"offset": -1},
    "limit='all'": {"limit": "all"},
    "creator": {"creator": "me@example.com"},
    "creator=''": {"creator": ""},
}
for _name, _given in SUMMARIES.items():
    shape(f"get_job_summaries {_name}")(_summaries(_given))

CONSTRUCTORS: dict[str, Callable[..., Any]] = {
    "Device()": Device,
    "Device(name, os, attributes)": lambda: Device("a", "14", ["a:b"]),
    "Device(attributes=text)": lambda: Device(attributes="a:b"),
    "Device(four)": lambda: Device("a", "b", [], "c"),  # type: ignore[call-arg]
    "JobStatus(State)": lambda: hub.JobStatus(hub.JobStatus.State.SUCCESS),
    "JobStatus(State, message)": lambda: hub.JobStatus(hub.JobStatus.State.FAILED, "no"),
    "JobStatus()": hub.JobStatus,
    "JobStatus.State[name]": lambda: hub.JobStatus.State["FAILED"],
    "JobStatus.State(999)": lambda: hub.JobStatus.State(999),
    "JobType[name]": lambda: hub.JobType["COMPILE"],
    "JobType('compile')": lambda: hub.JobType("compile"),
    "QuantizeDtype[name]": lambda: hub.QuantizeDtype["INT8"],
    "QuantizeDtype('INT8')": lambda: hub.QuantizeDtype("INT8"),
    "SourceModelType[name]": lambda: hub.SourceModelType["ONNX"],
    "SourceModelType(999)": lambda: hub.SourceModelType(999),
    "Client(profile) absent": lambda: Client(profile="no-such-profile"),
    "Client(config, profile)": lambda: Client(hub.ClientConfig("t"), "p"),
    "ClientConfig()": hub.ClientConfig,
    "ClientConfig(token)": lambda: hub.ClientConfig("t"),
    "ClientConfig(token, urls)": lambda: hub.ClientConfig("t", "https://a", "https://b"),
    "TensorSpec(name, dtype)": lambda: hub.TensorSpec("x", "float32", (1,), None, None),
}
for _name, _constructor in CONSTRUCTORS.items():
    shape(_name)(_build(_constructor))
