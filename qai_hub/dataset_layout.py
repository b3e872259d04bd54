"""The layout of a dataset in an HDF5 file, shared by the client and the local hub.

Input `i` is the group `data/{i}` with the attributes `order` (i), `name` and `batch_count`; its
samples are the arrays `data/{i}/batch_{j}`.
"""

from typing import TYPE_CHECKING, TypeVar

from qai_hub.stored_arrays import StoredDataError

if TYPE_CHECKING:
    import h5py

__all__ = ["add_input", "get_stored_member", "get_stored_sample", "sample_key"]

M = TypeVar("M")


def sample_key(index: int) -> str:
    """Returns the name of a sample's array within the group of its input.

    Args:
        index: Number of the sample, from 0.
    """
    return f"batch_{index}"


def add_input(file: "h5py.Group", order: int, name: str, samples: int) -> "h5py.Group":
    """Adds an input without its samples.

    Args:
        file: The open file.
        order: Number of the input, from 0.
        name: Name of the input.
        samples: Number of samples that it will have.

    Returns:
        The group of the input.
    """
    group = file.create_group(f"data/{order}")
    group.attrs["order"] = order
    group.attrs["name"] = name
    group.attrs["batch_count"] = samples
    return group


def get_stored_sample(group: "h5py.Group", index: int) -> "h5py.Dataset":
    """Returns the array of a sample, without reading it.

    Args:
        group: The group of its input.
        index: Number of the sample, from 0.

    Raises:
        StoredDataError: If it is missing, a link, or not an array.
    """
    import h5py

    return get_stored_member(group, sample_key(index), h5py.Dataset)


def get_stored_member(group: "h5py.Group", key: str, kind: type[M]) -> M:
    """Returns a member that is stored in the file itself; no link is followed.

    Args:
        group: The file, or a group in it.
        key: Name of the member.
        kind: Required type: `h5py.Group` or `h5py.Dataset`.

    Raises:
        StoredDataError: If it is missing, a link, or of another type.
    """
    import h5py

    if not isinstance(group.get(key, getlink=True), h5py.HardLink):
        raise StoredDataError(f"{group.name.rstrip('/')}/{key} is missing, or only a link.")
    member = group[key]
    if not isinstance(member, kind):
        raise StoredDataError(f"{member.name} must be a {kind.__name__.lower()}.")
    return member
