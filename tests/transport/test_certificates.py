"""Whom the environment says to trust."""

import os
import re
import shutil
import ssl
import subprocess
from pathlib import Path

import httpx
import pytest
import trustme
from support.scripted_server import Reply, ScriptedServer

from qai_hub.errors import UserError
from qai_hub.transport.certificates import CERTIFICATE_VARIABLES, ssl_context
from qai_hub.transport.session import Session


@pytest.fixture
def authority(tmp_path: Path) -> Path:
    path = tmp_path / "ca.pem"
    trustme.CA().cert_pem.write_to_path(path)
    return path


def subjects(context: ssl.SSLContext) -> int:
    return len(context.get_ca_certs())


@pytest.mark.parametrize("name", CERTIFICATE_VARIABLES[:3])
def test_a_file(authority: Path, name: str) -> None:
    context = ssl_context({name: f" {authority} "})
    assert subjects(context) == 1
    assert context.verify_mode is ssl.CERT_REQUIRED
    assert context.check_hostname


@pytest.mark.parametrize("name", CERTIFICATE_VARIABLES)
def test_a_folder(tmp_path: Path, name: str) -> None:
    """Where files are named by hashes; OpenSSL reads them when it needs them."""
    openssl = shutil.which("openssl")
    if openssl is None:
        pytest.skip("no openssl to name the files by")
    authority = trustme.CA()
    authority.cert_pem.write_to_path(tmp_path / "ca.pem")
    subprocess.run([openssl, "rehash", tmp_path], check=True)
    tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert("127.0.0.1").configure_cert(tls)
    with ScriptedServer([Reply(200, b"done")], tls=tls) as server:
        url = server.url.replace("http:", "https:")
        with Session(url, verify=ssl_context({name: str(tmp_path)})) as session:
            assert session.get("/").text == "done"
        with (
            Session(url, verify=ssl_context({})) as session,
            pytest.raises(httpx.ConnectError, match="CERTIFICATE_VERIFY_FAILED"),
        ):
            session.get("/")


def test_all_that_are_named_are_trusted(authority: Path, tmp_path: Path) -> None:
    other = tmp_path / "other.pem"
    trustme.CA().cert_pem.write_to_path(other)
    both = {"REQUESTS_CA_BUNDLE": str(authority), "SSL_CERT_FILE": str(other)}
    assert subjects(ssl_context(both)) == 2
    same = {"REQUESTS_CA_BUNDLE": str(authority), "SSL_CERT_FILE": str(authority)}
    assert subjects(ssl_context(same)) == 1


def test_without_variables_it_is_the_usual_ones() -> None:
    usual = subjects(ssl_context({}))
    assert usual > 50
    assert subjects(ssl_context(dict.fromkeys(CERTIFICATE_VARIABLES, ""))) == usual


def test_folders_may_be_several(authority: Path, tmp_path: Path) -> None:
    folders = os.pathsep.join([str(tmp_path), str(authority.parent)])
    assert ssl_context({"SSL_CERT_DIR": folders}).verify_mode is ssl.CERT_REQUIRED
    with pytest.raises(UserError, match="SSL_CERT_DIR=/nowhere cannot be read"):
        ssl_context({"SSL_CERT_DIR": f"{folders}{os.pathsep}/nowhere"})


@pytest.mark.parametrize("name", CERTIFICATE_VARIABLES)
@pytest.mark.parametrize("kind", ["absent", "no certificate", "empty"])
def test_what_cannot_be_read_is_named(tmp_path: Path, name: str, kind: str) -> None:
    place = tmp_path / "there"
    if kind != "absent":
        place.write_text("hello" if kind == "no certificate" else "")
    with pytest.raises(UserError, match=re.escape(f"{name}={place} cannot be read")):
        ssl_context({name: str(place)})
