"""What transfers show: how far they are, and no signature."""

import io
import logging
from collections.abc import Callable
from pathlib import Path

import httpx
import pytest
from support.scripted_server import Drop, Reply, ScriptedServer, Step
from support.transfer_fixtures import SECRET, FileServer, PartStore, file, part_urls, session

from qai_hub.errors import Error
from qai_hub.transfer.download import download
from qai_hub.transfer.upload import upload_form, upload_parts
from qai_hub.transport.session import Session

__all__ = ["file", "session"]


def _upload(session: Session, url: str, path: Path) -> None:
    upload_parts(session, path, [url], 10**9)


def _form(session: Session, url: str, path: Path) -> None:
    upload_form(session, path, url, "file", {"policy": "p"})


@pytest.mark.parametrize("transfer", [_upload, _form, download])
@pytest.mark.parametrize(
    "script",
    [
        [Reply(200, b"x", {"ETag": '"t"'})],
        [Reply(403)],
        [Reply(503)],
        [Drop()],
        [Reply(307, headers={"Location": "http://127.0.0.1:9/x?signature=s3cret"})],
    ],
)
def test_signatures_are_in_no_log_and_no_exception(
    session: Session,
    file: Path,
    caplog: pytest.LogCaptureFixture,
    transfer: Callable[[Session, str, Path], None],
    script: list[Step],
) -> None:
    """With all logs at DEBUG, those of httpx and httpcore included."""
    caplog.set_level(logging.DEBUG)
    with ScriptedServer(script) as server:
        try:
            transfer(session, f"{server.url}/files/f/{SECRET}", file)
        except Error as error:
            chain: BaseException | None = error
            while chain is not None:
                assert "s3cret" not in f"{chain} {chain!r}"
                if isinstance(chain, httpx.RequestError):
                    assert "s3cret" not in f"{chain.request!r} {chain.request.url!r}"
                chain = chain.__cause__ or chain.__context__
        assert SECRET in server.requests[0].target
    answered = set() if isinstance(script[0], Drop) else {"httpx"}
    loggers = {record.name for record in caplog.records}
    assert loggers >= {"httpcore.http11", "qai_hub.transport"} | answered
    assert "s3cret" not in "\n".join(
        f"{record.getMessage()} {record.args}" for record in caplog.records
    )


# -- progress ------------------------------------------------------------------------------------


def test_bytes_are_counted_once(
    session: Session, file: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for transfer in ("parts", "form", "download"):
        log = io.StringIO()
        monkeypatch.setattr("sys.stderr", log)
        if transfer == "parts":
            store = PartStore({0: [Drop()], 3: [Reply(503)]})
            with ScriptedServer(store) as server:
                upload_parts(session, file, part_urls(server, 4), 750_000, show=True)
        elif transfer == "form":
            with ScriptedServer([Drop(), Reply(204)]) as server:
                upload_form(session, file, server.url, "file", {}, show=True)
        else:
            with ScriptedServer(FileServer(breaks=[900_000], headers={})) as server:
                download(session, server.url, tmp_path / "m", show=True)
        name = "Downloaded m" if transfer == "download" else "Uploaded model.onnx"
        assert log.getvalue().startswith(f"{name}: 3.0 MB in 0:0")


def test_a_transfer_that_fails_is_not_told_as_finished(
    session: Session, file: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    log = io.StringIO()
    monkeypatch.setattr("sys.stderr", log)
    with ScriptedServer([Reply(403)]) as server, pytest.raises(Error):
        upload_form(session, file, server.url, "file", {}, show=True)
    assert log.getvalue() == ""


def test_nothing_is_told_unless_asked_for(
    session: Session, file: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for stream, show in ((io.StringIO(), False), (None, True)):
        monkeypatch.setattr("sys.stderr", stream)
        with ScriptedServer([Reply(204)]) as server:
            upload_form(session, file, server.url, "file", {}, show=show)
        assert stream is None or stream.getvalue() == ""
