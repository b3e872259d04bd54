"""How files are carried, to and from signed addresses."""

from collections.abc import Mapping, Sequence
from contextlib import AbstractContextManager
from pathlib import Path

from qai_hub.transfer.download import download
from qai_hub.transfer.paths import free_name, safe_name, with_suffixes
from qai_hub.transfer.s3 import StoredObject
from qai_hub.transfer.s3_upload import upload_object
from qai_hub.transfer.upload import upload_form, upload_parts
from qai_hub.transport.pool import SESSIONS
from qai_hub.transport.session import Session
from qai_hub.transport.setup import environment, file_session

__all__ = ["FILES", "Files"]

FILES = "files"
"""Which of the process's sessions carries files."""


class Files:
    """Carries files; the connections belong to the process.

    Args:
        show: Whether transfers show their progress.
    """

    def __init__(self, *, show: bool) -> None:
        self._show = show

    def upload_parts(self, path: Path, urls: Sequence[str], max_part_size: int) -> list[str]:
        """Uploads a file in parts.

        Args:
            path: The file.
            urls: Where each part goes.
            max_part_size: Bytes of each part but the last one.

        Returns:
            The entity tag of each part, in order.

        Raises:
            UserError: If the server refuses a part.
            InternalError: If the server or the network fails.
        """
        with _session() as session:
            return upload_parts(session, path, urls, max_part_size, show=self._show)

    def upload_form(self, path: Path, url: str, file_field: str, fields: Mapping[str, str]) -> None:
        """Uploads a file as a field of a form.

        Args:
            path: The file.
            url: Where the form goes.
            file_field: Name of the file's field.
            fields: The other fields.

        Raises:
            UserError: If the server refuses the file.
            InternalError: If the server or the network fails.
        """
        with _session() as session:
            upload_form(session, path, url, file_field, fields, show=self._show)

    def upload_object(self, path: Path, stored: StoredObject) -> None:
        """Uploads a file to what storage credentials open.

        Args:
            path: The file.
            stored: The object that it becomes.

        Raises:
            UserError: If the store refuses.
            InternalError: If the store or the network fails.
        """
        with _session() as session:
            upload_object(session, path, stored, show=self._show)

    def download(
        self,
        url: str,
        filename: str,
        name: str,
        headers: Mapping[str, str] | None = None,
        sha256: str | None = None,
    ) -> str:
        """Downloads a file to a path that the user gave.

        Args:
            url: Where from.
            filename: Path of the file, which is replaced if it is there; the suffixes of the
                server's name are appended where they are missing. Or a folder, in which the file
                gets a name that no file has.
            name: Name that the server gives the file.
            headers: What has to be sent with the address.
            sha256: SHA-256 that the file must have, in hex; None if that is not known.

        Returns:
            The path of the file.

        Raises:
            UserError: If the server refuses.
            InternalError: If the server or the network fails.
        """
        path = Path(filename).expanduser()
        if not path.is_dir():
            return self._download(url, with_suffixes(path, name), headers, sha256)
        path = free_name(path / safe_name(name))
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
        """Downloads a file into a folder, in place of a file of that name.

        Args:
            url: Where from.
            folder: The folder, which is made.
            name: Name that the server gives the file.
            headers: What has to be sent with the address.
            sha256: SHA-256 that the file must have, in hex; None if that is not known.

        Returns:
            The path of the file.

        Raises:
            UserError: If the server refuses.
            InternalError: If the server or the network fails.
        """
        return self._download(url, Path(folder).expanduser() / safe_name(name), headers, sha256)

    def _download(
        self, url: str, path: Path, headers: Mapping[str, str] | None, sha256: str | None
    ) -> str:
        with _session() as session:
            download(session, url, path, headers=headers, sha256=sha256, show=self._show)
        return str(path)


def _session() -> AbstractContextManager[Session]:
    return SESSIONS.lease(FILES, file_session, environment())
