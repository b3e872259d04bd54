"""Uploads and downloads over shared connections, and the names of downloaded files."""

import re
from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractContextManager
from pathlib import Path, PurePosixPath

from qai_hub.transfer.content import Content
from qai_hub.transfer.download import download
from qai_hub.transfer.s3 import StoredObject
from qai_hub.transfer.s3_upload import upload_object
from qai_hub.transfer.upload import upload_form, upload_parts
from qai_hub.transport.pool import SESSIONS
from qai_hub.transport.session import Session
from qai_hub.transport.setup import file_session, network_environment
from qai_hub.written_files import find_place, make_folder

__all__ = [
    "FILE_SESSION_KEY",
    "FileTransfer",
    "append_missing_suffixes",
    "reserve_unused_path",
    "sanitize_filename",
]


_MAX_NAME_LENGTH = 150


def sanitize_filename(name: str) -> str:
    """Makes a safe file name out of text that a server sent.

    Args:
        name: Any text.

    Returns:
        A name that stays in its folder, that every file system accepts, and that makes no hidden
        file.
    """
    last = re.split(r"[/\\]", name)[-1]
    kept = "".join(sign if sign.isprintable() else "_" for sign in last)
    kept = re.sub(r'[<>:"|?*]', "_", kept).strip(" .")
    suffixes = "".join(PurePosixPath(kept).suffixes[-2:])[-30:]
    while len(kept.encode()) > _MAX_NAME_LENGTH:
        kept = kept.removesuffix(suffixes)[:-1] + suffixes
    return kept or "download"


def append_missing_suffixes(path: Path, name: str) -> Path:
    """Appends those suffixes of a name that a path lacks.

    Args:
        path: Path that the user chose, such as `out/mobilenet`.
        name: The server's name for the file, such as `model.onnx.zip`.

    Returns:
        `out/mobilenet.onnx.zip`, also for `out/mobilenet.onnx`.

    Raises:
        UserError: If either path is that of a device, a pipe or a socket, or the longer one is that
            of a folder: such are not replaced by a file.
    """
    suffixes = _file_suffixes(sanitize_filename(name))
    for there in range(len(suffixes), -1, -1):
        if path.name.lower().endswith("".join(suffixes[:there]).lower()):
            break
    full = path.with_name(path.name + "".join(suffixes[there:]))
    for each in (path, full):
        find_place(each)
    return full


def reserve_unused_path(path: Path) -> Path:
    """Reserves an unused path by creating an empty file there.

    Args:
        path: The preferred path.

    Returns:
        That path, or `name_1.suffix`, `name_2.suffix` and so on.
    """
    suffixes = "".join(_file_suffixes(path.name))
    stem = path.name.removesuffix(suffixes)
    candidate, number = path, 0
    while True:
        try:
            candidate.touch(exist_ok=False)
        except FileExistsError:
            number += 1
            candidate = path.with_name(f"{stem}_{number}{suffixes}")
        else:
            return candidate


def _file_suffixes(name: str) -> list[str]:
    """Returns the suffixes that name the format; a dot before them is part of the name."""
    suffixes = PurePosixPath(name).suffixes
    return suffixes[-2:] if suffixes[-1:] == [".zip"] else suffixes[-1:]


FILE_SESSION_KEY = "files"
"""Key of the process's session for file transfers."""


class FileTransfer:
    """Uploads and downloads files over connections that the whole process shares.

    Args:
        show: Whether to show the progress of transfers.
    """

    def __init__(self, *, show: bool) -> None:
        self._show = show

    def upload_parts(
        self,
        source: Path | Content,
        urls: Sequence[str],
        max_part_size: int,
        *,
        received: Mapping[int, str] | None = None,
        renew: Callable[[], Sequence[str]] | None = None,
    ) -> list[str]:
        """Uploads a file in parts.

        Args:
            source: The file, or its content.
            urls: Signed URL of each part.
            max_part_size: Size of each part but the last one, in bytes.
            received: The entity tags of parts that the server has already, by index.
            renew: Fetches fresh URLs of all parts, called from any thread when one has expired.

        Returns:
            The entity tag of each part, in order.

        Raises:
            UserError: If the server refuses a part, or the file has changed meanwhile.
            InternalError: If the server or the network fails.
        """
        with _session() as session:
            return upload_parts(
                session,
                source,
                urls,
                max_part_size,
                received=received,
                renew=renew,
                show=self._show,
            )

    def upload_form(self, path: Path, url: str, file_field: str, fields: Mapping[str, str]) -> None:
        """Uploads a file as a field of a multipart form.

        Args:
            path: The file.
            url: Signed URL to post the form to.
            file_field: Name of the file's field.
            fields: The other fields.

        Raises:
            UserError: If the server refuses the file.
            InternalError: If the server or the network fails.
        """
        with _session() as session:
            upload_form(session, path, url, file_field, fields, show=self._show)

    def upload_object(self, source: Path | Content, stored: StoredObject) -> None:
        """Uploads a file with storage credentials.

        Args:
            source: The file, or its content.
            stored: The object to create.

        Raises:
            UserError: If the store refuses.
            InternalError: If the store or the network fails.
        """
        with _session() as session:
            upload_object(session, source, stored, show=self._show)

    def download(
        self,
        url: str,
        filename: str,
        name: str,
        headers: Mapping[str, str] | None = None,
        sha256: str | None = None,
    ) -> str:
        """Downloads a file to a path that the user chose.

        Args:
            url: URL of the file.
            filename: Path of the file, which is replaced if it exists; the suffixes of the
                server's name are appended where they are missing. If it is an existing folder, the
                file gets an unused name in it.
            name: The server's name for the file.
            headers: Headers that must be sent with the URL.
            sha256: SHA-256 that the file must have, in hex; None if it is not known.

        Returns:
            The path of the file.

        Raises:
            UserError: If the server refuses.
            InternalError: If the server or the network fails.
        """
        path = Path(filename).expanduser()
        if not path.is_dir():
            return self._download(url, append_missing_suffixes(path, name), headers, sha256)
        path = reserve_unused_path(path / sanitize_filename(name))
        try:
            return self._download(url, path, headers, sha256)
        except BaseException:
            path.unlink(missing_ok=True)
            raise

    def download_into(
        self,
        url: str,
        folder: str,
        name: str,
        headers: Mapping[str, str] | None = None,
        sha256: str | None = None,
    ) -> str:
        """Downloads a file into a folder, and replaces a file of the same name.

        Args:
            url: URL of the file.
            folder: The folder, which is created if it is missing.
            name: The server's name for the file.
            headers: Headers that must be sent with the URL.
            sha256: SHA-256 that the file must have, in hex; None if it is not known.

        Returns:
            The path of the file.

        Raises:
            UserError: If the server refuses.
            InternalError: If the server or the network fails.
        """
        path = Path(folder).expanduser()
        make_folder(path)
        return self._download(url, path / sanitize_filename(name), headers, sha256)

    def _download(
        self, url: str, path: Path, headers: Mapping[str, str] | None, sha256: str | None
    ) -> str:
        with _session() as session:
            place = find_place(path)
            download(session, url, place, headers=headers, sha256=sha256, show=self._show)
        return str(path)


def _session() -> AbstractContextManager[Session]:
    return SESSIONS.lease(FILE_SESSION_KEY, file_session, network_environment())
