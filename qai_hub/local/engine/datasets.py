"""Reads and writes the dataset files of a job."""

from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path

import h5py
import numpy as np

from qai_hub.dataset_layout import add_input, get_stored_member, get_stored_sample, sample_key
from qai_hub.hdf5_files import create_hdf5
from qai_hub.local.engine.failures import FailureType, JobFailure
from qai_hub.local.engine.onnx.session import Tensor
from qai_hub.local.engine.onnx.signature import Port, describe_name_mismatch, format_ports
from qai_hub.local.engine.protocol import quote_name
from qai_hub.stored_arrays import StoredArrayChecker, StoredDataError, read_attribute


@dataclass(frozen=True, slots=True)
class _DatasetInput:
    name: str
    order: int
    batches: int
    group: h5py.Group


class InputDataset:
    """The inputs of an inference job, read sample by sample.

    Args:
        path: The uploaded HDF5 file.
        ports: The inputs of the model.

    Raises:
        JobFailure: The file is not a dataset, or does not match the model.
    """

    def __init__(self, path: Path, ports: Sequence[Port]) -> None:
        with _report_damage(), ExitStack() as on_failure:
            self._file = on_failure.enter_context(h5py.File(path, "r"))
            self._inputs = _read_inputs(self._file)
            self._check_names(ports)
            self._arrays = StoredArrayChecker(self._file)
            self.samples = self._check_batches(ports)
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
        with _report_damage():
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
        with _report_damage():
            (entry,) = (each for each in self._inputs if each.name == name)
            return {
                tuple(get_stored_sample(entry.group, index).shape or ())
                for index in range(self.samples)
            }

    def _check_names(self, ports: Sequence[Port]) -> None:
        problems = describe_name_mismatch(ports, [entry.name for entry in self._inputs])
        if problems:
            raise _invalid_inputs(
                f"The names in the dataset do not match the model's inputs ({problems}). "
                f"The model takes {format_ports(ports)}."
            )

    def _check_batches(self, ports: Sequence[Port]) -> int:
        counts = {entry.name: entry.batches for entry in self._inputs}
        if len(set(counts.values())) > 1:
            listing = ", ".join(f"{quote_name(name)}: {n}" for name, n in counts.items())
            raise _invalid_inputs(
                f"The inputs in the dataset have different numbers of samples: {listing}."
            )
        samples = max(counts.values(), default=0)
        if samples < 1:
            raise _invalid_inputs("The dataset has no samples.")
        by_name = {port.name: port for port in ports}
        for entry in self._inputs:
            for index in range(samples):
                self._arrays.check(_check_sample(entry, index, by_name[entry.name]))
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


@contextmanager
def _report_damage() -> Iterator[None]:
    try:
        yield
    except StoredDataError as error:
        raise _invalid_inputs(f"The dataset cannot be read: {error}") from None
    # The exception that h5py raises for a damaged file depends on where the damage is.
    except (KeyError, OSError, RuntimeError, TypeError, ValueError) as error:
        reason = f"The dataset is not an HDF5 file, or it is damaged: {error}."
        raise _invalid_inputs(reason) from None


def _read_inputs(file: h5py.File) -> list[_DatasetInput]:
    data = get_stored_member(file, "data", h5py.Group)
    entries = []
    for key in data:
        group = get_stored_member(data, key, h5py.Group)
        name = read_attribute(group, "name")
        name = name.decode("utf-8", "replace") if isinstance(name, bytes) else name
        order, count = read_attribute(group, "order"), read_attribute(group, "batch_count")
        whole = (int, np.integer)
        if not (isinstance(name, str) and isinstance(order, whole) and isinstance(count, whole)):
            raise _invalid_inputs(
                f"The group data/{key} of the dataset lacks one of the attributes name (text), "
                "order and batch_count (integers)."
            )
        entries.append(_DatasetInput(name, int(order), int(count), group))
    return sorted(entries, key=lambda entry: entry.order)


def _check_sample(entry: _DatasetInput, index: int, port: Port) -> h5py.Dataset:
    """Return a sample, not read yet, if it matches its input."""
    tensor = get_stored_sample(entry.group, index)
    where = f"Sample {index} of the input {port}"
    if tensor.shape is None or not port.accepts(tensor.shape):
        change = port.suggest_change(tensor.shape or ())
        raise _invalid_inputs(
            f"{where} has the shape {tensor.shape} in the dataset. "
            f"Pass {change or 'samples of the shape of the model'}."
        )
    if tensor.dtype.name != port.dtype:
        raise _invalid_inputs(
            f"{where} is {tensor.dtype.name} in the dataset; inputs are not cast. "
            f"Convert it with .astype(numpy.{port.dtype}) before you upload it."
        )
    return tensor


def _to_native_byte_order(tensor: Tensor) -> Tensor:
    """Return a tensor in this machine's byte order, the only one that ONNX Runtime supports."""
    return np.asarray(tensor, tensor.dtype.newbyteorder("="))


def _invalid_inputs(reason: str) -> JobFailure:
    return JobFailure(FailureType.INVALID_INPUTS, reason)
