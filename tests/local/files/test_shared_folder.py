"""Uploads in a folder that several processes share."""

import asyncio
import hashlib
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from qai_hub.local.errors import ProblemError
from qai_hub.local.files.shared_folder import SharedFolderStore
from qai_hub.local.files.store import Received


async def stream(content: bytes) -> AsyncIterator[bytes]:
    for start in range(0, len(content), 3):
        yield content[start : start + 3]


def write(store: SharedFolderStore, content: bytes, offset: int) -> Received:
    return asyncio.run(store.write_part("u1", stream(content), offset=offset, limit=1 << 20))


@given(
    parts=st.lists(st.binary(min_size=1, max_size=9), min_size=1, max_size=5),
    others=st.lists(st.binary(max_size=9), max_size=5),
    data=st.data(),
)
def test_what_the_database_names_is_put_together(
    tmp_path_factory: pytest.TempPathFactory,
    parts: list[bytes],
    others: list[bytes],
    data: st.DataObject,
) -> None:
    """Whatever else arrives at the same places, by either process, before or after."""
    folder = tmp_path_factory.mktemp("hub")
    stores = [SharedFolderStore(folder, durable=False) for _ in range(2)]
    stores[0].begin_upload("u1")
    offsets = [sum(map(len, parts[:index])) for index in range(len(parts))]
    sent = [*zip(parts, offsets, strict=True), *((each, offsets[0]) for each in others)]
    arrived = {}
    for content, offset in data.draw(st.permutations(sent)):
        arrived[content, offset] = write(data.draw(st.sampled_from(stores)), content, offset)
    chosen = [arrived[each] for each in zip(parts, offsets, strict=True)]
    digest = stores[1].assemble("u1", chosen)
    assert digest == stores[0].assemble("u1", chosen) == hashlib.sha256(b"".join(parts)).hexdigest()
    stores[0].publish_upload("u1", "f1", digest)
    stores[1].remove_uploads(["u1", "u2"])
    assert not stores[0].has_upload("u1")
    assert b"".join(stores[1].open_range("f1", 0, 1 << 20)) == b"".join(parts)


@pytest.mark.parametrize("is_removed", [False, True])
def test_late_bytes_of_a_dead_connection_change_nothing(tmp_path: Path, is_removed: bool) -> None:
    first, second = SharedFolderStore(tmp_path), SharedFolderStore(tmp_path)
    first.begin_upload("u1")

    async def run() -> None:
        begun, goes_on = asyncio.Event(), asyncio.Event()

        async def late() -> AsyncIterator[bytes]:
            yield b"old" * (1 << 19)
            begun.set()
            await goes_on.wait()
            yield b"late"

        task = asyncio.create_task(first.write_part("u1", late(), offset=0, limit=1 << 30))
        await begun.wait()
        received = await second.write_part("u1", stream(b"new"), offset=0, limit=3)
        assert received == Received(3, hashlib.sha256(b"new").hexdigest())
        second.publish_upload("u1", "f1", second.assemble("u1", [received]))
        if is_removed:
            second.remove_uploads(["u1"])
        goes_on.set()
        if is_removed:
            with pytest.raises(ProblemError, match="finished"):
                await task
        else:
            await task

    asyncio.run(run())
    assert b"".join(second.open_range("f1", 0, 100)) == b"new"
    with pytest.raises(ProblemError, match="abandoned"):
        second.assemble("u9", [Received(1, "0"), Received(1, "1")])


def test_what_is_cut_or_wrong_leaves_nothing(tmp_path: Path) -> None:
    store = SharedFolderStore(tmp_path)
    store.begin_upload("u1")
    with pytest.raises(ProblemError):
        asyncio.run(store.write_part("u1", stream(b"too long"), offset=0, limit=3))

    def refuse(_: Received) -> None:
        raise ProblemError(400, "wrong")

    with pytest.raises(ProblemError, match="wrong"):
        asyncio.run(store.write_whole("u1", stream(b"form"), limit=9, check=refuse))
    assert list(store.upload_path("u1").iterdir()) == []
