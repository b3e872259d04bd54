"""Which bytes of a file are there, and which stream fetches which of the others."""

import threading
from collections.abc import Iterable, Iterator
from typing import TypeAlias

__all__ = ["ByteRange", "ByteRanges", "Claims"]

ByteRange: TypeAlias = tuple[int, int]
"""Offset of the first byte, and of the one after the last."""


class ByteRanges:
    """A set of bytes, kept as sorted ranges that do not touch.

    Args:
        ranges: The ranges to begin with.
    """

    def __init__(self, ranges: Iterable[ByteRange] = ()) -> None:
        self._ranges: list[ByteRange] = []
        for start, end in ranges:
            self.add(start, end)

    def __iter__(self) -> Iterator[ByteRange]:
        return iter(tuple(self._ranges))

    @property
    def count(self) -> int:
        """Number of bytes."""
        return sum(end - start for start, end in self._ranges)

    @property
    def prefix(self) -> int:
        """Number of bytes from the start of the file without a gap."""
        return self._ranges[0][1] if self._ranges and self._ranges[0][0] == 0 else 0

    def add(self, start: int, end: int) -> int:
        """Adds a range.

        Returns:
            Number of its bytes that were not there yet.
        """
        last = self._ranges[-1] if self._ranges else None
        if last is not None and last[1] == start:
            self._ranges[-1] = (last[0], max(start, end))
            return max(0, end - start)
        before = self.count
        merged: list[ByteRange] = []
        for each in sorted([*self._ranges, (start, end)]):
            if merged and each[0] <= merged[-1][1]:
                merged[-1] = (merged[-1][0], max(merged[-1][1], each[1]))
            elif each[0] < each[1]:
                merged.append(each)
        self._ranges = merged
        return self.count - before

    def gaps(self, size: int) -> Iterator[ByteRange]:
        """Iterates over the ranges of a file of a given size that are missing."""
        at = 0
        for start, end in self:
            if at < min(start, size):
                yield at, min(start, size)
            at = max(at, end)
        if at < size:
            yield at, size


class Claims:
    """Distributes the missing bytes of a file among several streams, from its start on.

    Args:
        size: Size of the file.
        piece: Size of what a stream fetches at a time; pieces end at multiples of it.
    """

    def __init__(self, size: int, piece: int) -> None:
        self._size = size
        self._piece = piece
        self._changed = threading.Condition()
        self._active: list[ByteRange] = []

    def claim(
        self, there: ByteRanges, *, at: int | None = None, shared: bool = False
    ) -> ByteRange | None:
        """Claims a piece that is missing and that no other stream has claimed.

        Args:
            there: The bytes that are there.
            at: Where it must begin; None for the first one.
            shared: Whether it may be claimed by another stream as well.

        Returns:
            The piece; None if there is none.
        """
        with self._changed:
            for start, end in self._pieces(there):
                if at in {None, start} and (shared or not self._is_claimed(start, end)):
                    self._active.append((start, end))
                    return start, end
        return None

    def release(self, piece: ByteRange) -> None:
        """Gives a piece back, whether it has been fetched or not."""
        with self._changed:
            self._active.remove(piece)
            self._changed.notify_all()

    def wait(self, seconds: float) -> None:
        """Waits until a piece is given back, or for a time."""
        with self._changed:
            self._changed.wait(seconds)

    def _pieces(self, there: ByteRanges) -> Iterator[ByteRange]:
        """Iterates over what is missing, cut where pieces end."""
        for first, last in there.gaps(self._size):
            start = first
            while start < last:
                end = min(last, (start // self._piece + 1) * self._piece)
                yield start, end
                start = end

    def _is_claimed(self, start: int, end: int) -> bool:
        return any(first < end and start < last for first, last in self._active)
