"""Models and datasets: up, down, and looked at."""

import os
from datetime import datetime, timedelta

import h5py
import numpy as np
import onnx

import qai_hub as hub


def upload_a_model_file() -> None:
    model = hub.upload_model("affine.onnx")
    print(model.name, model.model_type, model.get_producer())
    print(model.url.endswith(f"/models/{model.model_id}/"))
    print(abs(datetime.now() - model.date) < timedelta(minutes=1))


def upload_a_model_under_another_name() -> None:
    model = hub.upload_model("affine.onnx", name="a name")
    print(model.name, hub.get_model(model.model_id).name)


def upload_a_model_in_memory() -> None:
    loaded = onnx.load("affine.onnx")
    model = hub.upload_model(loaded)
    print(model.name, model.model_type)


def upload_a_folder_with_external_weights() -> None:
    model = hub.upload_model("external.onnx")
    print(model.name, model.model_type)
    path = model.download("folder")
    print(os.path.basename(path))


def download_a_model() -> None:
    model = hub.upload_model("affine.onnx")
    print(os.path.basename(model.download("again")))
    print(open("again.onnx", "rb").read() == open("affine.onnx", "rb").read())


def download_a_model_with_its_suffix() -> None:
    model = hub.upload_model("affine.onnx")
    print(os.path.basename(model.download("with_suffix.onnx")))


def list_models() -> None:
    made = [hub.upload_model("affine.onnx", name=f"listed {i}") for i in range(3)]
    print([model.name for model in hub.get_models(limit=3)])
    print([model.name for model in hub.get_models(offset=1, limit=1)])
    print(hub.get_models(limit=1)[0].model_id == made[-1].model_id)


def upload_a_dataset() -> None:
    data = {"x": [np.arange(4, dtype=np.float32).reshape(1, 4) + i for i in range(3)]}
    dataset = hub.upload_dataset(data, name="three batches")
    print(dataset.name, dataset.get_expiration_status())
    print(dataset.expiration_time - dataset.creation_time > timedelta(days=29))
    fetched = hub.get_dataset(dataset.dataset_id).download()
    print({name: [(b.shape, str(b.dtype), b.tolist()) for b in bs] for name, bs in fetched.items()})


def upload_a_dataset_of_two_inputs() -> None:
    data = {
        "second": [np.zeros((2, 3), np.int32)],
        "first": [np.ones((1, 2), np.uint8)],
    }
    fetched = hub.upload_dataset(data).download()
    print({name: [(b.shape, str(b.dtype)) for b in bs] for name, bs in fetched.items()})


def upload_numbers_of_each_type() -> None:
    types = ("float32", "float16", "int8", "int16", "int32", "int64", "uint8", "uint16")
    data = {name: [np.ones((2, 2), name)] for name in types}
    fetched = hub.upload_dataset(data).download()
    print({name: (str(bs[0].dtype), bs[0].tolist()) for name, bs in fetched.items()})


def download_a_dataset_to_a_file() -> None:
    dataset = hub.upload_dataset({"x": [np.ones((1, 4), np.float32)] * 2})
    path = dataset.download("data")
    print(os.path.basename(path))
    with h5py.File(path) as file:
        group = file["data/0"]
        print(sorted(group), group.attrs["name"], int(group.attrs["batch_count"]))


def upload_a_dataset_file() -> None:
    hub.upload_dataset({"x": [np.ones((1, 4), np.float32)]}).download("stored.h5")
    dataset = hub.upload_dataset("stored.h5", name="from a file")
    print(dataset.name, list(dataset.download()))


def list_datasets() -> None:
    for i in range(3):
        hub.upload_dataset({"x": [np.full((1, 1), i, np.float32)]}, name=f"dataset {i}")
    print([dataset.name for dataset in hub.get_datasets(limit=2)])
    print([dataset.name for dataset in hub.get_datasets(offset=2, limit=1)])
