"""Good and bad arguments by name, for `support.call_shapes`."""

from collections.abc import Callable
from datetime import datetime
from pathlib import Path
from typing import Any

import numpy as np
from support.call_context import Maker, ones

from qai_hub.client import Device


def _file(name: str) -> Maker:
    return lambda w: w.file(name)


def _arrays(dtype: str) -> Maker:
    return lambda _: {"x": [ones(dtype)]}


def _spec(dtype: str) -> Callable[[], Any]:
    return lambda: {"x": ((1, 4), dtype)}


MODELS: dict[str, Maker] = {
    **{
        f"m{suffix}": _file(f"m{suffix}")
        for suffix in (
            *(".onnx", ".pt", ".pth", ".pt2", ".tflite", ".dlc", ".bin", ".mlmodel", ".trtmodel"),
            *(".mlpackage", ".aimet", ".so", ".txt", ".ONNX", ".h5", ".zip"),
        )
    },
    "file without suffix": lambda w: w.file("m"),
    "empty file": lambda w: w.file("m.onnx", b""),
    "no such file": lambda w: str(w.path("nothing.onnx")),
    "no such file, unknown suffix": lambda w: str(w.path("nothing.xyz")),
    "no such zip": lambda w: str(w.path("nothing.onnx.zip")),
    "empty text": lambda _: "",
    "Path": lambda w: Path(w.file("m.onnx")),
    "dir onnx": lambda w: w.tree("d", "m.onnx"),
    "dir .onnx onnx": lambda w: w.tree("d.onnx", "m.onnx"),
    "dir .onnx onnx+data": lambda w: w.tree("d.onnx", "m.onnx", "m.data"),
    "dir .onnx onnx+onnx.data": lambda w: w.tree("d.onnx", "m.onnx", "m.onnx.data"),
    "dir onnx+data": lambda w: w.tree("d", "m.onnx", "m.data"),
    "dir onnx+bin": lambda w: w.tree("d", "m.onnx", "m.bin"),
    "dir onnx+encodings": lambda w: w.tree("d", "m.onnx", "m.encodings"),
    "dir onnx+data+encodings": lambda w: w.tree("d", "m.onnx", "m.data", "m.encodings"),
    "dir onnx+bin+data": lambda w: w.tree("d", "m.onnx", "m.bin", "m.data"),
    "dir onnx+bin+encodings": lambda w: w.tree("d", "m.onnx", "m.bin", "m.encodings"),
    "dir onnx+onnx": lambda w: w.tree("d", "a.onnx", "b.onnx"),
    "dir onnx+data+data": lambda w: w.tree("d", "m.onnx", "a.data", "b.data"),
    "dir onnx+bin+bin": lambda w: w.tree("d", "m.onnx", "a.bin", "b.bin"),
    "dir onnx+encodings+encodings": lambda w: w.tree("d", "m.onnx", "a.encodings", "b.encodings"),
    "dir onnx+other file": lambda w: w.tree("d", "m.onnx", "README.md"),
    "dir onnx+hidden file": lambda w: w.tree("d", "m.onnx", ".DS_Store"),
    "dir onnx+subfolder": lambda w: w.tree("d", "m.onnx", "weights/w.data"),
    "dir empty": lambda w: w.tree("d"),
    "dir .onnx empty": lambda w: w.tree("d.onnx"),
    "dir tflite": lambda w: w.tree("d", "m.tflite"),
    "dir .aimet onnx+encodings": lambda w: w.tree("d.aimet", "m.onnx", "m.encodings"),
    "dir .aimet onnx+data+encodings": lambda w: w.tree(
        "d.aimet", "m.onnx", "m.data", "m.encodings"
    ),
    "dir .aimet onnx": lambda w: w.tree("d.aimet", "m.onnx"),
    "dir .aimet encodings": lambda w: w.tree("d.aimet", "m.encodings"),
    "dir .aimet empty": lambda w: w.tree("d.aimet"),
    "dir .mlpackage": lambda w: w.tree("d.mlpackage", "Manifest.json", "Data/m.mlmodel"),
    "dir .mlmodelc": lambda w: w.tree("d.mlmodelc", "model.mil", "weights/weight.bin"),
    "dir .trtmodel": lambda w: w.tree("d.trtmodel", "m.plan"),
    "dir with a slash": lambda w: w.tree("d.onnx", "m.onnx", "m.data") + "/",
    "zip .onnx": lambda w: w.archive("z.onnx.zip", "z.onnx/", "z.onnx/m.onnx", "z.onnx/m.data"),
    "zip without folder entries": lambda w: w.archive("z.onnx.zip", "z.onnx/m.onnx"),
    "zip of a bare folder": lambda w: w.archive("z.zip", "z/m.onnx", "z/m.data"),
    "zip of another name": lambda w: w.archive("z.onnx.zip", "y.onnx/m.onnx"),
    "zip .aimet": lambda w: w.archive("z.aimet.zip", "z.aimet/m.onnx", "z.aimet/m.encodings"),
    "zip .mlpackage": lambda w: w.archive("z.mlpackage.zip", "z.mlpackage/Manifest.json"),
    "zip .mlmodelc": lambda w: w.archive("z.mlmodelc.zip", "z.mlmodelc/model.mil"),
    "zip of a file": lambda w: w.archive("z.onnx.zip", "m.onnx"),
    "zip of files": lambda w: w.archive("z.onnx.zip", "m.onnx", "m.data"),
    "zip of two folders": lambda w: w.archive("z.onnx.zip", "a/m.onnx", "b/m.onnx"),
    "zip with resource forks": lambda w: w.archive(
        "z.onnx.zip", "z.onnx/m.onnx", "__MACOSX/z.onnx/._m.onnx"
    ),
    "zip empty": lambda w: w.archive("z.onnx.zip"),
    "zip of an empty folder": lambda w: w.archive("z.onnx.zip", "z.onnx/"),
    "zip of two models": lambda w: w.archive("z.onnx.zip", "z.onnx/a.onnx", "z.onnx/b.onnx"),
    "zip that leads out": lambda w: w.archive("z.onnx.zip", "../z/m.onnx"),
    "None": lambda _: None,
    "int": lambda _: 3,
    "dict": lambda _: {"model": "m.onnx"},
    "list": lambda w: [w.file("m.onnx")],
    "set": lambda w: {w.file("m.onnx")},
    "bytes": lambda _: b"as good as any",
    "no bytes": lambda _: b"",
    "tflite bytes": lambda _: b"\x1c\x00\x00\x00TFL3 and so on",
    "array": lambda _: ones(),
}

DATA: dict[str, Maker] = {
    **{
        f"{dtype} arrays": _arrays(dtype)
        for dtype in (
            *("float16", "float32", "bool", "int8", "int16", "int32", "int64", "uint8", "uint16"),
            *("float64", "uint32", "uint64", "complex64", "U3"),
        )
    },
    "big-endian arrays": lambda _: {"x": [ones(">f4")]},
    "two inputs": lambda _: {"x": [ones(), ones()], "y": [ones(np.int64), ones(np.int64)]},
    "different shapes": lambda _: {"x": [ones(), np.ones((2, 4), np.float32)]},
    "different numbers of samples": lambda _: {"x": [ones(), ones()], "y": [ones()]},
    "no samples": lambda _: {"x": []},
    "no inputs": lambda _: {},
    "scalar arrays": lambda _: {"x": [np.array(1, np.float32)]},
    "array without elements": lambda _: {"x": [np.ones((0, 4), np.float32)]},
    "bare array": lambda _: {"x": ones()},
    "tuple of arrays": lambda _: {"x": (ones(),)},
    "iterator of arrays": lambda _: {"x": iter([ones()])},
    "lists of numbers": lambda _: {"x": [[1.0, 2.0]]},
    "numpy scalars": lambda _: {"x": [np.float32(1)]},
    "numbers": lambda _: {"x": [1.0]},
    "None as samples": lambda _: {"x": None},
    "int as name": lambda _: {1: [ones()]},
    "empty name": lambda _: {"": [ones()]},
    "list of arrays": lambda _: [ones()],
    "array": lambda _: ones(),
    "int": lambda _: 3,
    "h5": lambda w: w.h5("d.h5"),
    "Path of h5": lambda w: Path(w.h5("d.h5")),
    "hdf5": lambda w: w.h5("d.hdf5"),
    "no h5": lambda w: w.file("d.h5"),
    "no such h5": lambda w: str(w.path("nothing.h5")),
    "npz": lambda w: w.file("d.npz"),
    "Dataset": lambda w: w.dataset(),
    "expired Dataset": lambda w: w.dataset(datetime(2001, 1, 1)),
    "dataset_id": lambda w: w.dataset().dataset_id,
}

DEVICES: dict[str, Maker] = {
    "Device": lambda w: w.device,
    "list of one": lambda w: [w.device],
    "list of two": lambda w: [w.device, Device("Samsung Galaxy S23")],
    "tuple": lambda w: (w.device, w.device),
    "empty list": lambda _: [],
    "None": lambda _: None,
    "name": lambda w: w.device.name,
    "list of names": lambda w: [w.device.name],
    "mixed list": lambda w: [w.device, w.device.name],
    "dict": lambda w: {"name": w.device.name},
    "no such device": lambda _: Device("Nokia 3310"),
    "a device and no such device": lambda w: [w.device, Device("Nokia 3310")],
    "nothing given": lambda _: Device(),
    "os only": lambda _: Device(os="14"),
    "os interval": lambda w: Device(w.device.name, "[14,15)"),
    "open interval": lambda w: Device(w.device.name, "[14,)"),
    "bad interval": lambda w: Device(w.device.name, "[14;15)"),
    "no end of interval": lambda w: Device(w.device.name, "[14,15"),
    "version that is none": lambda w: Device(w.device.name, "[a,b)"),
    "attribute": lambda _: Device(attributes="os:android"),
    "attributes": lambda _: Device(attributes=["os:android", "vendor:samsung"]),
    "os and attribute": lambda _: Device(os="14", attributes=["os:android"]),
    "name without end": lambda _: Device("Samsung Galaxy S24 "),
}

SPECS: dict[str, Callable[[], Any]] = {
    "None": lambda: None,
    "{}": dict,
    "shape": lambda: {"x": (1, 4)},
    "shape, dtype": lambda: {"x": ((1, 4), "int32")},
    **{
        f"dtype {dtype}": _spec(dtype)
        for dtype in (
            *("float16", "float32", "bool", "int8", "int16", "int32", "int64", "uint8", "uint16"),
            *("float64", "uint32", "string", ""),
        )
    },
    "numpy dtype": lambda: {"x": ((1, 4), np.dtype("int32"))},
    "numpy type": lambda: {"x": ((1, 4), np.float32)},
    "dtype None": lambda: {"x": ((1, 4), None)},
    "numpy ints": lambda: {"x": (np.int64(1), np.int64(4))},
    "list": lambda: {"x": [1, 4]},
    "list, dtype": lambda: {"x": ([1, 4], "int32")},
    "list of both": lambda: {"x": [(1, 4), "int32"]},
    "tuple of one": lambda: {"x": (4,)},
    "number": lambda: {"x": 4},
    "scalar": lambda: {"x": ()},
    "scalar, dtype": lambda: {"x": ((), "float32")},
    "shape without dtype": lambda: {"x": ((1, 4),)},
    "three parts": lambda: {"x": ((1, 4), "int32", "NCHW")},
    "zero": lambda: {"x": (0, 4)},
    "negative": lambda: {"x": (-1, 4)},
    "float": lambda: {"x": (1.0, 4)},
    "text": lambda: {"x": "1,4"},
    "name of a dimension": lambda: {"x": ("batch", 4)},
    "None as dimension": lambda: {"x": (None, 4)},
    "None as shape": lambda: {"x": None},
    "int as name": lambda: {1: (1, 4)},
    "list of pairs": lambda: [("x", (1, 4))],
    "bare shape": lambda: (1, 4),
    "str": lambda: "x=1,4",
}

ARGUMENTS: dict[str, Maker] = {
    "name=None": lambda _: None,
    "name=''": lambda _: "",
    "name='n'": lambda _: "n",
    "name=3": lambda _: 3,
    "options=''": lambda _: "",
    "options='a' and a newline": lambda _: "--a\n",
    "options of two lines": lambda _: "--a\n--b",
    "options=None": lambda _: None,
    "options=3": lambda _: 3,
    "options=[]": lambda _: ["--a"],
    "project=None": lambda _: None,
    "project=''": lambda _: "",
    "project=3": lambda _: 3,
    "retry=False": lambda _: False,
}

TYPES = (
    *(".onnx", ".pt", ".pt2", ".tflite", ".dlc", ".bin", ".mlmodel", ".trtmodel", ".aimet"),
    ".mlpackage",
)
