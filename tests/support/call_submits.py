"""Uploads, and submits of one kind of job."""

import itertools
from collections.abc import Callable
from typing import Any

from support.call_arguments import ARGUMENTS, DATA, DEVICES, MODELS, SPECS, TYPES
from support.call_context import CallContext, Maker, ones
from support.call_registry import shape

import qai_hub as hub

# Each submit: a good call, with some of its arguments changed.
SUBMITS: dict[str, Callable[[CallContext, dict[str, Any]], Any]] = {
    "submit_compile_job": lambda w, c: w.client.submit_compile_job(
        **{"model": w.model(".onnx"), "device": w.device} | c
    ),
    "submit_quantize_job": lambda w, c: w.client.submit_quantize_job(
        **{"model": w.model(".onnx"), "calibration_data": {"x": [ones()]}} | c
    ),
    "submit_link_job": lambda w, c: w.client.submit_link_job(
        **{"models": w.model(".dlc"), "device": w.device} | c
    ),
    "submit_inference_job": lambda w, c: w.client.submit_inference_job(
        **{"model": w.model(".onnx"), "device": w.device, "inputs": {"x": [ones()]}} | c
    ),
    "submit_profile_job": lambda w, c: w.client.submit_profile_job(
        **{"model": w.model(".onnx"), "device": w.device} | c
    ),
}


def _upload(verb: str, make: Maker) -> Maker:
    return lambda w: getattr(w.client, verb)(make(w))


def _upload_with(verb: str, make: Maker, argument: str, value: Maker) -> Maker:
    return lambda w: getattr(w.client, verb)(make(w), **{argument: value(w)})


def _submit(verb: str, argument: str, make: Maker, **more: Any) -> Maker:
    return lambda w: SUBMITS[verb](w, {argument: make(w), **more})


def _submit_with(verb: str, **changes: Any) -> Maker:
    return lambda w: SUBMITS[verb](w, changes)


def _on_hub(suffix: str) -> Maker:
    return lambda w: w.model(suffix)


def _register_uploads() -> None:
    for name, make in MODELS.items():
        shape(f"upload_model {name}")(_upload("upload_model", make))
    for name, make in DATA.items():
        shape(f"upload_dataset {name}")(_upload("upload_dataset", make))

    for name in ("name=None", "name=''", "name='n'", "name=3", "project=''", "project=3"):
        argument = name.partition("=")[0]
        make = ARGUMENTS[name]
        shape(f"upload_model {name}")(
            _upload_with("upload_model", MODELS["m.onnx"], argument, make)
        )
        data = DATA["float32 arrays"]
        shape(f"upload_dataset {name}")(_upload_with("upload_dataset", data, argument, make))
    shape("upload_model Model")(_upload("upload_model", _on_hub(".onnx")))


def _register_models(verb: str) -> None:
    argument = "models" if verb == "submit_link_job" else "model"
    for suffix in TYPES:
        # Without input specs, TorchScript is refused for that alone.
        specs = verb == "submit_compile_job" and suffix == ".pt"
        more = {"input_specs": {"x": (1, 4)}} if specs else {}
        call = _submit(verb, argument, _on_hub(suffix), **more)
        shape(f"{verb} {argument} {suffix} on the hub")(call)
    for name in ("None", "int", "no such file", "m.txt", "dir .aimet onnx+encodings"):
        shape(f"{verb} {argument} {name}")(_submit(verb, argument, MODELS[name]))


def _register_arguments(verb: str) -> None:
    without_retry = verb in ("submit_quantize_job", "submit_link_job")
    for name, make in ARGUMENTS.items():
        argument = name.partition("=")[0].partition(" ")[0]
        if not (argument == "retry" and without_retry):
            shape(f"{verb} {name}")(_submit(verb, argument, make))


def _register_submits() -> None:
    for verb in SUBMITS:
        _register_models(verb)
        if verb != "submit_profile_job":
            _register_arguments(verb)
        if verb not in ("submit_quantize_job", "submit_profile_job"):
            for name, make in DEVICES.items():
                shape(f"{verb} device {name}")(_submit(verb, "device", make))
    for verb, argument in (
        ("submit_compile_job", "calibration_data"),
        ("submit_quantize_job", "calibration_data"),
        ("submit_inference_job", "inputs"),
    ):
        for name, make in DATA.items():
            shape(f"{verb} {argument} {name}")(_submit(verb, argument, make))
        shape(f"{verb} {argument} None")(_submit_with(verb, **{argument: None}))
    for name, specs in SPECS.items():
        call = _submit_with("submit_compile_job", input_specs=specs())
        shape(f"submit_compile_job input_specs {name}")(call)
    for weights, activations in itertools.product(hub.QuantizeDtype, repeat=2):
        call = _submit_with(
            "submit_quantize_job", weights_dtype=weights, activations_dtype=activations
        )
        shape(f"submit_quantize_job {weights.name} {activations.name}")(call)


_register_uploads()
_register_submits()


@shape("submit_quantize_job file without calibration data")
def _(w: CallContext) -> Any:
    return w.client.submit_quantize_job(w.file("m.onnx"), None)


@shape("submit_inference_job file with data that is none")
def _(w: CallContext) -> Any:
    return w.client.submit_inference_job(w.file("m.onnx"), w.device, {"x": [1.0]})


@shape("submit_compile_job file with calibration data that is none")
def _(w: CallContext) -> Any:
    return w.client.submit_compile_job(w.file("m.onnx"), w.device, calibration_data=3)


@shape("submit_compile_job file with options that are none")
def _(w: CallContext) -> Any:
    return w.client.submit_compile_job(w.file("m.onnx"), w.device, options=3)


@shape("submit_link_job files with another among them")
def _(w: CallContext) -> Any:
    return w.client.submit_link_job([w.file("m.dlc"), w.file("m.onnx")], w.device)


@shape("submit_quantize_job types by name")
def _(w: CallContext) -> Any:
    return w.client.submit_quantize_job(w.model(".onnx"), {"x": [ones()]}, "INT8", "INT8")


@shape("submit_compile_job TorchScript without input_specs")
def _(w: CallContext) -> Any:
    return w.client.submit_compile_job(w.model(".pt"), w.device)


@shape("submit_compile_job TorchScript with {}")
def _(w: CallContext) -> Any:
    return w.client.submit_compile_job(w.model(".pt"), w.device, input_specs={})


@shape("submit_compile_job context binary with options")
def _(w: CallContext) -> Any:
    return w.client.submit_compile_job(w.model(".bin"), w.device, options="--a")


@shape("submit_compile_job context binary with input_specs")
def _(w: CallContext) -> Any:
    return w.client.submit_compile_job(w.model(".bin"), w.device, input_specs={"x": (1, 4)})


@shape("submit_compile_job single_compile=False")
def _(w: CallContext) -> Any:
    return w.client.submit_compile_job(w.model(".onnx"), [w.device] * 2, single_compile=False)


@shape("submit_inference_job nothing to do")
def _(w: CallContext) -> Any:
    return w.client.submit_inference_job(w.model(".onnx"), w.device, profile=False)


@shape("submit_inference_job inputs without profile")
def _(w: CallContext) -> Any:
    return w.client.submit_inference_job(w.model(".onnx"), w.device, {"x": [ones()]}, profile=False)


@shape("submit_link_job models=[]")
def _(w: CallContext) -> Any:
    return w.client.submit_link_job([], w.device)


@shape("submit_link_job models=()")
def _(w: CallContext) -> Any:
    return w.client.submit_link_job((), w.device)


@shape("submit_link_job two models")
def _(w: CallContext) -> Any:
    return w.client.submit_link_job([w.file("a.dlc"), w.model(".dlc")], w.device)


@shape("submit_link_job the same model twice")
def _(w: CallContext) -> Any:
    return w.client.submit_link_job([w.model(".dlc")] * 2, w.device)


@shape("submit_link_job the same path twice")
def _(w: CallContext) -> Any:
    return w.client.submit_link_job([w.file("a.dlc")] * 2, w.device)


@shape("submit_link_job one of two is no DLC")
def _(w: CallContext) -> Any:
    return w.client.submit_link_job([w.model(".dlc"), w.model(".bin")], w.device)


@shape("submit_link_job tuple of models")
def _(w: CallContext) -> Any:
    return w.client.submit_link_job((w.model(".dlc"),), w.device)
