"""What the calls that are compared between clients are made with."""

import zipfile
from collections.abc import Callable
from datetime import datetime
from pathlib import Path
from typing import Any, TypeAlias

import h5py
import numpy as np

from qai_hub.client import Client, Device

Maker: TypeAlias = Callable[["CallContext"], Any]


class CallContext:
    """What calls are made with: a client, a device that exists, and a folder for files.

    Args:
        client: The client.
        folder: An empty folder.
    """

    def __init__(self, client: Client, folder: Path) -> None:
        self.client: Any = client
        self.device = Device("Samsung Galaxy S24")
        self._folder = folder
        self._models: dict[str, Any] = {}

    def path(self, name: str) -> Path:
        """A path in the folder; its parents are made."""
        path = self._folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        return path

    def file(self, name: str, content: bytes = b"as good as any") -> str:
        """A file."""
        path = self.path(name)
        path.write_bytes(content)
        return str(path)

    def tree(self, name: str, *files: str) -> str:
        """A folder with files."""
        self.path(name).mkdir(parents=True, exist_ok=True)
        for file in files:
            self.file(f"{name}/{file}")
        return str(self.path(name))

    def archive(self, name: str, *entries: str) -> str:
        """A ZIP archive; entries that end in a slash are folders."""
        with zipfile.ZipFile(self.path(name), "w") as zipped:
            for entry in entries:
                zipped.writestr(entry, b"" if entry.endswith("/") else b"as good as any")
        return str(self.path(name))

    def model(self, suffix: str) -> Any:
        """A model on the hub, of the format that the suffix stands for."""
        if suffix not in self._models:
            source = (
                self.tree("on-hub.aimet", "m.onnx", "m.encodings")
                if suffix == ".aimet"
                else self.tree(f"on-hub{suffix}", "Manifest.json")
                if suffix == ".mlpackage"
                else self.file(f"on-hub{suffix}")
            )
            self._models[suffix] = self.client.upload_model(source)
        return self._models[suffix]

    def job(self) -> Any:
        """A compile job."""
        return self.client.submit_compile_job(self.model(".onnx"), self.device)

    def dataset(self, expires: datetime | None = None) -> Any:
        """A dataset on the hub."""
        dataset = self.client.upload_dataset({"x": [np.ones((1, 4), np.float32)]})
        if expires is not None:
            dataset.expiration_time = expires
        return dataset

    def h5(self, name: str) -> str:
        """A file with a dataset."""
        with h5py.File(self.path(name), "w") as file:
            file["data/0/batch_0"] = np.ones((1, 4), np.float32)
            file["data/0"].attrs.update({"order": 0, "name": "x", "batch_count": 1})
        return str(self.path(name))


def ones(dtype: Any = np.float32) -> Any:
    """An array of one sample."""
    return np.ones((1, 4), dtype)
