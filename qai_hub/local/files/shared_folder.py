"""A `FileStore` in a folder that several processes share."""

import hashlib
import secrets
import shutil
from collections.abc import AsyncIterable, Callable, Iterable, Sequence
from pathlib import Path

from anyio.to_thread import run_sync

from qai_hub.local.disk import sync
from qai_hub.local.errors import ProblemError
from qai_hub.local.files.folder import FolderStore
from qai_hub.local.files.store import Received
from qai_hub.local.files.streams import write_stream

_BLOCK = 1 << 20
_ENDED = "This upload is finished, or was abandoned."


class SharedFolderStore(FolderStore):
    """A `FolderStore` whose processes may receive parts of the same upload.

    A connection may be dead without the process at its end noticing, while the client sends its
    part to another process. So no part is written where another may be: each arrives in a file of
    its own, which has its digest in its name once it is whole. Those that the database names are
    put together in the end.
    """

    assembles = True

    def begin_upload(self, upload_id: str) -> None:
        """Create the folder that collects an upload."""
        self.upload_path(upload_id).mkdir(mode=0o700)
        self._mark_changed(self.uploads)

    async def write_part(
        self, upload_id: str, chunks: AsyncIterable[bytes], *, offset: int, limit: int
    ) -> Received:
        """Write a part of an upload to a file of its own."""
        return await self._write(upload_id, chunks, offset, limit, lambda _: None)

    async def write_whole(
        self,
        upload_id: str,
        chunks: AsyncIterable[bytes],
        *,
        limit: int,
        check: Callable[[Received], None],
    ) -> Received:
        """Write an upload that arrives as a whole to a file of its own."""
        return await self._write(upload_id, chunks, 0, limit, check)

    def assemble(self, upload_id: str, parts: Sequence[Received]) -> str | None:
        """Put the parts of an upload together, and return the digest of the whole."""
        if len(parts) == 1:
            return parts[0].sha256
        try:
            return self._join(self.upload_path(upload_id), parts)
        except FileNotFoundError:
            raise ProblemError(409, _ENDED) from None

    def publish_upload(self, upload_id: str, file_id: str, sha256: str | None = None) -> None:
        """Publish what `assemble` has put together."""
        made = _path(self.upload_path(upload_id), 0, sha256 or "")
        self.file_path(file_id).hardlink_to(made)
        self._mark_changed(self.files)

    def remove_uploads(self, upload_ids: Iterable[str]) -> None:
        """Delete the folders of uploads."""
        for upload_id in upload_ids:
            shutil.rmtree(self.upload_path(upload_id), ignore_errors=True)

    def _join(self, folder: Path, parts: Sequence[Received]) -> str:
        digest, offset = hashlib.sha256(), 0
        made = folder / secrets.token_hex(8)
        with made.open("xb") as whole:
            made.chmod(0o600)
            for part in parts:
                with _path(folder, offset, part.sha256).open("rb") as file:
                    while block := file.read(_BLOCK):
                        digest.update(block)
                        whole.write(block)
                offset += part.size
        if self._durable:
            sync(made)
        made.replace(_path(folder, 0, digest.hexdigest()))
        return digest.hexdigest()

    async def _write(
        self,
        upload_id: str,
        chunks: AsyncIterable[bytes],
        offset: int,
        limit: int,
        check: Callable[[Received], None],
    ) -> Received:
        folder = self.upload_path(upload_id)
        path = folder / secrets.token_hex(8)
        try:
            path.touch(mode=0o600, exist_ok=False)
            received = await write_stream(chunks, path, limit=limit, durable=self._durable)
            check(received)
            path.replace(_path(folder, offset, received.sha256))
            if self._durable:
                await run_sync(sync, folder)
        except FileNotFoundError:
            raise ProblemError(409, _ENDED) from None
        finally:
            path.unlink(missing_ok=True)
        return received


def _path(folder: Path, offset: int, sha256: str) -> Path:
    """Return where a part is that has arrived, or the whole."""
    return folder / f"{offset}-{sha256}"
