"""Reads and writes the dataset files of a job."""

from collections.abc import Collection, Sequence
from contextlib import ExitStack
from pathlib import Path

import h5py
import numpy as np

from qai_hub.dataset_layout import add_input, get_stored_sample, sample_key
from qai_hub.hdf5_files import create_hdf5
from qai_hub.local.engine.dataset_files import (
    DatasetInput,
    invalid_inputs,
    read_inputs,
    report_damage,
)
from qai_hub.local.engine.onnx.session import Tensor
from qai_hub.local.engine.onnx.signature import Port, describe_name_mismatch, format_ports
from qai_hub.local.engine.protocol import quote_name
from qai_hub.stored_arrays import StoredArrayChecker


class InputDataset:
    """The inputs of an inference job, read sample by sample.

    Args:
        path: The uploaded HDF5 file.
        ports: The inputs of the model.
        floats: Inputs that may also be float32, whatever type they have.

    Raises:
        JobFailure: The file is not a dataset, or does not match the model.
    """

    def __init__(self, path: Path, ports: Sequence[Port], floats: Collection[str] = ()) -> None:
        with report_damage(), ExitStack() as on_failure:
            self._file = on_failure.enter_context(h5py.File(path, "r"))
            self._inputs = read_inputs(self._file)
            self._check_names(ports)
            self._arrays = StoredArrayChecker(self._file)
            self.samples = self._check_batches(ports, floats)
            on_failure.pop_all()

    def close(self) -> None:
        """Close the file."""
        self._file.close()

    def sample(self, index: int) -> dict[str, Tensor]:
        """Read one sample.

        Args:
            index: Its number, from 0.

        Returns:
            A tensor for each input.

        Raises:
            JobFailure: The sample is damaged.
        """
        with report_damage():
            return {
                e.name: _to_native_byte_order(e.group[sample_key(index)][()]) for e in self._inputs
            }

    def shapes(self, name: str) -> set[tuple[int, ...]]:
        """Return the shapes that the samples of an input have.

        Args:
            name: The input.

        Raises:
            JobFailure: A sample is damaged.
        """
        with report_damage():
            (entry,) = (each for each in self._inputs if each.name == name)
            return {
                tuple(get_stored_sample(entry.group, index).shape or ())
                for index in range(self.samples)
            }

    def _check_names(self, ports: Sequence[Port]) -> None:
        problems = describe_name_mismatch(ports, [entry.name for entry in self._inputs])
        if problems:
            raise invalid_inputs(
                f"The names in the dataset do not match the model's inputs ({problems}). "
                f"The model takes {format_ports(ports)}."
            )

    def _check_batches(self, ports: Sequence[Port], floats: Collection[str]) -> int:
        counts = {entry.name: entry.batches for entry in self._inputs}
        if len(set(counts.values())) > 1:
            listing = ", ".join(f"{quote_name(name)}: {n}" for name, n in counts.items())
            raise invalid_inputs(
                f"The inputs in the dataset have different numbers of samples: {listing}."
            )
        samples = max(counts.values(), default=0)
        if samples < 1:
            raise invalid_inputs("The dataset has no samples.")
        by_name = {port.name: port for port in ports}
        for entry in self._inputs:
            for index in range(samples):
                accepts_floats = entry.name in floats
                sample = _check_sample(entry, index, by_name[entry.name], accepts_floats)
                self._arrays.check(sample)
        return samples


class OutputDataset:
    """The outputs of an inference job, written sample by sample.

    Args:
        path: HDF5 file to write.
        names: The outputs, in the model's order.
        samples: Number of samples that will be written.
    """

    def __init__(self, path: Path, names: Sequence[str], samples: int) -> None:
        self._open = ExitStack()
        file, self._check = self._open.enter_context(create_hdf5(path))
        self._groups = [add_input(file, order, name, samples) for order, name in enumerate(names)]

    def close(self) -> None:
        """Close the file.

        Raises:
            OSError: If it could not be written.
        """
        self._open.close()

    def write(self, index: int, tensors: Sequence[Tensor]) -> None:
        """Write one sample.

        Args:
            index: Its number, from 0.
            tensors: The outputs, in the model's order.

        Raises:
            OSError: If it could not be written.
        """
        for group, tensor in zip(self._groups, tensors, strict=True):
            group.create_dataset(sample_key(index), data=tensor)
        self._check()


def _check_sample(
    entry: DatasetInput, index: int, port: Port, accepts_floats: bool
) -> h5py.Dataset:
    """Return a sample, not read yet, if it matches its input."""
    tensor = get_stored_sample(entry.group, index)
    where = f"Sample {index} of the input {port}"
    if tensor.shape is None or not port.accepts(tensor.shape):
        change = port.suggest_change(tensor.shape or ())
        raise invalid_inputs(
            f"{where} has the shape {tensor.shape} in the dataset. "
            f"Pass {change or 'samples of the shape of the model'}."
        )
    if tensor.dtype.name != port.dtype and not (accepts_floats and tensor.dtype.name == "float32"):
        raise invalid_inputs(
            f"{where} is {tensor.dtype.name} in the dataset; inputs are not cast. "
            f"Convert it with .astype(numpy.{port.dtype}) before you upload it."
        )
    return tensor


def _to_native_byte_order(tensor: Tensor) -> Tensor:
    """Return a tensor in this machine's byte order, the only one that ONNX Runtime supports."""
    return np.asarray(tensor, tensor.dtype.newbyteorder("="))
