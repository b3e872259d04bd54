"""Submits of several jobs which feed one another."""

from typing import Any

from support.call_context import CallContext
from support.call_registry import shape

from qai_hub.client import Device


def _both(name: str, **changes: Any) -> None:
    @shape(f"submit_compile_and_link_jobs {name}")
    def call(w: CallContext) -> Any:
        given = {key: value(w) if callable(value) else value for key, value in changes.items()}
        usual = {"models": [w.model(".onnx"), w.file("m.onnx")], "graph_names": ["a", "b"]}
        return w.client.submit_compile_and_link_jobs(**{"device": w.device, **usual, **given})


_both("two models")
_both("one model", models=lambda w: w.model(".onnx"), graph_names=None)
_both("one model with a name", models=lambda w: w.model(".onnx"), graph_names=["a"])
_both("models=[]", models=[], graph_names=None)
_both("models=None", models=None, graph_names=None)
_both("None among models", models=lambda w: [w.model(".onnx"), None])
_both("no such file", models=lambda w: [w.model(".onnx"), str(w.path("no.onnx"))])
_both("DLC", models=lambda w: [w.model(".onnx"), w.model(".dlc")])
_both("context binary", models=lambda w: w.model(".bin"), graph_names=None)
_both("TorchScript without input_specs", models=lambda w: w.model(".pt"), graph_names=None)
_both("AIMET", models=lambda w: w.model(".aimet"), graph_names=None)
_both("tuple of models", models=lambda w: (w.model(".onnx"), w.model(".onnx")))
_both("no graph_names", graph_names=None)
_both("one graph name for two", graph_names=["a"])
_both("the same graph name twice", graph_names=["a", "a"])
_both("graph_names as text", graph_names="ab")
_both("graph_names with None", graph_names=["a", None])
_both("graph name with a blank", graph_names=["a b", "c"])
_both("graph_names=[]", graph_names=[])
_both("input_specs for all", input_specs={"x": (1, 4)})
_both("input_specs for each", input_specs=[{"x": (1, 4)}, {"x": (2, 4)}])
_both("input_specs for each and None", input_specs=[{"x": (1, 4)}, None])
_both("input_specs for one of two", input_specs=[{"x": (1, 4)}])
_both("input_specs wrong", input_specs={"x": "wide"})
_both("input_specs empty tensor", input_specs={"x": (0, 4)})
_both("compile_options for all", compile_options="--quantize_io")
_both("compile_options for each", compile_options=["--quantize_io", ""])
_both("compile_options for one of two", compile_options=["--quantize_io"])
_both("compile_options=3", compile_options=3)
_both("compile_options=None", compile_options=None)
_both("compile_options with the runtime", compile_options="--target_runtime qnn_dlc")
_both("compile_options with another runtime", compile_options="--target_runtime tflite")
_both("link_options", link_options="--qnn_options a=b ")
_both("link_options=None", link_options=None)
_both("embed_in_onnx", embed_in_onnx=True)
_both("device list", device=lambda w: [w.device, w.device])
_both("device=[]", device=[])
_both("device name", device="Samsung Galaxy S24")
_both("no such device", device=Device("Nokia 3310"))


def _pair(name: str, **changes: Any) -> None:
    @shape(f"submit_compile_and_profile_jobs {name}")
    def call(w: CallContext) -> Any:
        given = {key: value(w) if callable(value) else value for key, value in changes.items()}
        usual = {"model": w.model(".onnx"), "device": w.device}
        return w.client.submit_compile_and_profile_jobs(**usual | given)


_pair("usual")
_pair("model=None", model=None)
_pair("two devices", device=lambda w: [w.device, w.device])
_pair("device=[]", device=[])
_pair("device name", device="Samsung Galaxy S24")
_pair("DLC", model=lambda w: w.model(".dlc"))
_pair("compile_options=None", compile_options=None)
_pair("profile_options=None", profile_options=None)
