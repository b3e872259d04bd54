"""The cache of files on a worker's disk."""

import hashlib
import os
import threading
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from qai_hub.local.files.cache import FileCache


class Source:
    """Files elsewhere, and how often each was fetched."""

    def __init__(self, contents: dict[str, bytes]) -> None:
        self.contents = contents
        self.fetched: list[str] = []

    def fetch(self, name: str) -> Callable[[], Iterator[bytes]]:
        def blocks() -> Iterator[bytes]:
            self.fetched.append(name)
            content = self.contents[name]
            for start in range(0, len(content), 3):
                yield content[start : start + 3]

        return blocks


def digest(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()


def test_a_file_is_fetched_once_whoever_needs_it(tmp_path: Path) -> None:
    source, cache = Source({"f1": b"content"}), FileCache(tmp_path / "cache", 100)
    ready, found = threading.Barrier(8), list[str]()

    def use(number: int) -> None:
        ready.wait()
        link = tmp_path / f"link{number}"
        found.append(cache.get("f1", source.fetch("f1"), link=link))
        assert link.read_bytes() == b"content"

    threads = [threading.Thread(target=use, args=(number,)) for number in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert found == [digest(b"content")] * 8
    assert source.fetched == ["f1"]
    # Another process of this machine, or a later one.
    FileCache(tmp_path / "cache", 100).get("f1", source.fetch("f1"))
    assert source.fetched == ["f1"]


def test_a_damaged_copy_is_fetched_again(tmp_path: Path) -> None:
    source, cache = Source({"f1": b"content"}), FileCache(tmp_path / "cache", 100)
    cache.get("f1", source.fetch("f1"))
    (copy,) = (tmp_path / "cache").iterdir()
    copy.write_bytes(b"damaged")
    link = tmp_path / "link"
    assert cache.get("f1", source.fetch("f1"), link=link) == digest(b"content")
    assert link.read_bytes() == b"content"
    assert source.fetched == ["f1", "f1"]


def test_what_arrives_damaged_or_in_part_does_not_stay(tmp_path: Path) -> None:
    source, cache = Source({"f1": b"damaged"}), FileCache(tmp_path / "cache", 100)
    with pytest.raises(OSError, match="damaged"):
        cache.get("f1", source.fetch("f1"), sha256=digest(b"content"))

    def cut() -> Iterator[bytes]:
        yield b"con"
        raise OSError("cut")

    with pytest.raises(OSError, match="cut"):
        cache.get("f1", cut)
    assert list((tmp_path / "cache").iterdir()) == []
    source.contents["f1"] = b"content"
    assert cache.get("f1", source.fetch("f1"), sha256=digest(b"content")) == digest(b"content")


def test_a_file_in_use_outlives_its_place_in_the_cache(tmp_path: Path) -> None:
    source, cache = Source({"f1": b"first", "f2": b"second"}), FileCache(tmp_path / "cache", 6)
    link = tmp_path / "link"
    cache.get("f1", source.fetch("f1"), link=link)
    cache.get("f2", source.fetch("f2"))
    assert [path.name.partition(".")[0] for path in (tmp_path / "cache").iterdir()] == ["f2"]
    assert link.read_bytes() == b"first"


@given(
    sizes=st.lists(st.integers(0, 10), min_size=1, max_size=5),
    uses=st.lists(st.integers(0, 4), max_size=20),
    limit=st.integers(0, 25),
)
def test_the_least_recently_used_go_first(
    tmp_path_factory: pytest.TempPathFactory, sizes: list[int], uses: list[int], limit: int
) -> None:
    folder = tmp_path_factory.mktemp("cache") / "files"
    source = Source({f"f{number}": bytes(size) for number, size in enumerate(sizes)})
    cache, expected = FileCache(folder, limit), list[str]()
    for moment, use in enumerate(uses):
        name = f"f{use % len(sizes)}"
        is_known = name in expected
        fetched = len(source.fetched)
        cache.get(name, source.fetch(name))
        assert (len(source.fetched) == fetched) == is_known
        expected = [*(each for each in expected if each != name), name]
        while sum(len(source.contents[each]) for each in expected) > limit:
            expected.pop(0)
        for path in folder.glob(f"{name}.*"):
            # Clocks of file systems tick slowly.
            os.utime(path, (moment, moment))
        assert {path.name.partition(".")[0] for path in folder.iterdir()} == set(expected)
