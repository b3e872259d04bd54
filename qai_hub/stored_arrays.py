"""Check of the sizes that an HDF5 file declares against its content, before allocating memory."""

from math import prod
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import h5py

__all__ = ["StoredArrayChecker", "StoredDataError", "read_attribute"]

# Largest growth of stored data under each filter: 258 bytes from 2 bits for gzip, 264 bytes from 3
# for LZF. Other filters are plugins, or can produce any number of bytes from none (scale-offset).
_EXPANSION = {1: 1032, 2: 1, 3: 1, 32000: 88}
_FILTER_NAMES = {1: "gzip", 2: "shuffle", 3: "fletcher32", 32000: "lzf"}
_MAX_EXPANSION = max(_EXPANSION.values())
_MAX_ATTRIBUTE_SIZE = 1 << 16


class StoredDataError(ValueError):
    """A file declares data that it does not hold."""


class StoredArrayChecker:
    """The arrays to read from a file, each of which must be stored in that file.

    Args:
        file: The file, or a group in it.
    """

    def __init__(self, file: "h5py.Group") -> None:
        # Without a flush, pending writes of an open file would count as missing.
        file.file.flush()
        self._size: int = file.file.id.get_filesize()
        self._declared = 0
        self._seen: dict[Any, str] = {}

    def check(self, array: "h5py.Dataset") -> None:
        """Check that an array is stored in the file itself, whole and once.

        Args:
            array: An array of numbers.

        Raises:
            StoredDataError: If it is not.
        """
        import h5py

        # External data would let the dataset's author have any file on this machine read.
        if array.is_virtual or array.external:
            raise StoredDataError(f"{array.name} stores its data in another file.")
        place = h5py.h5o.get_info(array.id).addr
        other = self._seen.setdefault(place, array.name)
        if other != array.name:
            raise StoredDataError(f"{array.name} is the same array as {other}.")
        expansion = _max_expansion(array)
        declared = _size_in_bytes(array.shape or (), array)
        if not declared:
            return
        # A damaged file may misstate its stored size too.
        stored = min(array.id.get_storage_size(), self._size)
        at_once = max(declared, _size_in_bytes(array.chunks or (), array))
        if at_once > stored * expansion:
            raise StoredDataError(
                f"{array.name} declares {at_once} bytes, and only {stored} are stored in the file, "
                "which cannot hold so much."
            )
        missing = _missing_chunks(array)
        if missing:
            raise StoredDataError(
                f"{array.name} declares {declared} bytes, and {missing} of its chunks were never "
                "written."
            )
        self._declared += declared
        if self._declared > self._size * _MAX_EXPANSION:
            raise StoredDataError(
                f"Its arrays declare more than {self._declared} bytes, and the file has only "
                f"{self._size}, which cannot hold so much."
            )


def read_attribute(owner: "h5py.Group", key: str) -> object:
    """Read an attribute with a single value.

    Args:
        owner: The group that has the attribute.
        key: Name of the attribute.

    Returns:
        The value; None if there is no such attribute.

    Raises:
        StoredDataError: If it is large, or has several values.
    """
    if key not in owner.attrs:
        return None
    attribute = owner.attrs.get_id(key)
    if attribute.get_storage_size() > _MAX_ATTRIBUTE_SIZE or prod(attribute.shape or ()) > 1:
        raise StoredDataError(f"The attribute {key} of {owner.name} is not a single value.")
    return owner.attrs[key]


def _max_expansion(array: "h5py.Dataset") -> int:
    """Return the largest factor by which an array's stored data can grow when read."""
    settings = array.id.get_create_plist()
    codes = [settings.get_filter(index)[0] for index in range(settings.get_nfilters())]
    unknown = [code for code in codes if code not in _EXPANSION]
    if unknown:
        raise StoredDataError(
            f"{array.name} uses the HDF5 filter {unknown[0]}: use "
            f"{', '.join(_FILTER_NAMES.values())} or none."
        )
    if sum(_EXPANSION[code] > 1 for code in codes) > 1:
        raise StoredDataError(f"{array.name} is compressed more than once.")
    return prod(_EXPANSION[code] for code in codes)


def _size_in_bytes(shape: tuple[int, ...], array: "h5py.Dataset") -> int:
    return prod(shape) * int(array.dtype.itemsize)


def _missing_chunks(array: "h5py.Dataset") -> int:
    if not array.chunks:
        return 0
    steps = zip(array.shape, array.chunks, strict=True)
    wanted: int = prod(-(-size // step) for size, step in steps)
    return max(0, wanted - int(array.id.get_num_chunks()))
