"""Which arrays of a dataset are worth compressing.

Noise does not shrink, nor do most floats, and gzip takes 20 seconds per GiB to find out: so a few
blocks are tried first. Arrays are compressed if they shrink to about a third, as pixels divided by
255, masks and zeros do. That pays below some 400 Mbit/s, whether by gzip alone or after a shuffle.
"""

import zlib
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import numpy as np

__all__ = ["MIN_COMPRESSED_BYTES", "compression_options"]

MIN_COMPRESSED_BYTES = 4096
"""HDF5 compresses chunks, and in smaller arrays chunks cost more than they save."""
_MAX_RATIO = 0.4
_BLOCKS = 4
_BLOCK_SIZE = 16 << 10
_GZIP = {"compression": "gzip", "compression_opts": 1}


def compression_options(samples: "Sequence[np.ndarray[Any, Any]]") -> dict[str, Any]:
    """Returns how h5py stores the samples of an input.

    Args:
        samples: The samples, at least one.

    Returns:
        Arguments of `create_dataset`; empty to store them as they are.
    """
    if max(sample.nbytes for sample in samples) < MIN_COMPRESSED_BYTES:
        return {}
    step = max(1, (len(samples) - 1) // (_BLOCKS - 1) if len(samples) > 1 else 1)
    tried = [samples[index] for index in range(0, len(samples), step)][:_BLOCKS]
    share = -(-_BLOCKS // len(tried))
    blocks = [block for sample in tried for block in _blocks(sample, share)]
    plain, shuffled = (
        sum(len(zlib.compress(block, 1)) for block in form)
        for form in (
            [block.tobytes() for block in blocks],
            [_shuffle(block) for block in blocks],
        )
    )
    if min(plain, shuffled) > _MAX_RATIO * sum(block.nbytes for block in blocks):
        return {}
    return {**_GZIP, "shuffle": shuffled < plain}


def _blocks(sample: "np.ndarray[Any, Any]", count: int) -> "list[np.ndarray[Any, Any]]":
    """Returns short runs of elements, evenly spread over an array, without copying it."""
    size = max(1, _BLOCK_SIZE // sample.itemsize)
    starts = {max(0, sample.size - size) * number // max(1, count - 1) for number in range(count)}
    return [sample.flat[start : start + size] for start in sorted(starts)]


def _shuffle(block: "np.ndarray[Any, Any]") -> bytes:
    """Returns the bytes in the order of HDF5's shuffle filter: the first ones come first."""
    import numpy as np

    return block.view(np.uint8).reshape(-1, block.itemsize).T.tobytes()
