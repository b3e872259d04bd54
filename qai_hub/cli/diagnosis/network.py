"""Whether the server can be reached: each step on the way, with a bound on its time."""

import socket
import ssl
from collections.abc import Iterator
from datetime import UTC, datetime

from qai_hub.cli.diagnosis.finding import Finding, State, run_bounded
from qai_hub.client import Client
from qai_hub.config import ClientConfig
from qai_hub.config.files import is_loopback
from qai_hub.config.profiles import explain_absent_hub
from qai_hub.connection import is_official
from qai_hub.errors import Error, UserError
from qai_hub.http_library import httpx
from qai_hub.transport.certificates import ssl_context
from qai_hub.transport.errors import WRITE_HTTP, how_to_get_token
from qai_hub.transport.health import ServerHealth, fetch_health
from qai_hub.transport.proxies import Proxies, Proxy
from qai_hub.transport.session import request_limits

_TOPIC = "server"
# Less than the bound of a step, so that the error tells what has taken so long.
_REQUEST_SECONDS = 4.0
# Signed URLs and certificates are valid by the clock.
_MAX_CLOCK_DIFFERENCE = 120
_REFUSED = 401
_PORTS = {"http": 80, "https": 443, "socks5": 1080, "socks5h": 1080}
_CHECK_NETWORK = "Check the network, and whether a proxy has to be set in HTTPS_PROXY."


class _StepError(Exception):
    """A step has a problem, and those after it make no sense."""

    def __init__(self, text: str, remedy: str) -> None:
        super().__init__(text)
        self.text = text
        self.remedy = remedy


class ServerExamination:
    """The steps on the way to the server.

    Args:
        config: The configuration.
    """

    def __init__(self, config: ClientConfig) -> None:
        self._config = config
        self._url = httpx.URL(config.api_url)
        self._proxy: Proxy | None = None
        self._health = ServerHealth("")

    def findings(self) -> Iterator[Finding]:
        """Yields a finding for each step; those after a problem are skipped."""
        steps = {
            "proxy": self._examine_proxy,
            "name": self._examine_name,
            "connection": self._examine_connection,
            "certificate": self._examine_certificate,
            "health": self._examine_health,
            "clock": self._examine_clock,
            "token": self._examine_token,
        }
        failed = ""
        for name, step in steps.items():
            if failed:
                yield Finding(_TOPIC, name, State.SKIPPED, f"after the problem of the {failed}")
                continue
            try:
                state, text = step()
            except _StepError as error:
                yield Finding(_TOPIC, name, State.PROBLEM, error.text, error.remedy)
                # A wrong clock is no reason why a token should not be accepted.
                failed = "" if name == "clock" else name
            else:
                yield Finding(_TOPIC, name, state, text)

    @property
    def _peer(self) -> tuple[str, int]:
        """Host and port of the first machine on the way: the proxy, or else the server."""
        url = httpx.URL(self._proxy.url) if self._proxy else self._url
        return url.raw_host.decode("ascii"), url.port or _PORTS[url.scheme]

    def _examine_proxy(self) -> tuple[State, str]:
        try:
            self._proxy = Proxies.from_environment().proxy_for(self._url)
        except UserError as error:
            raise _StepError(str(error), "Correct or unset the variable.") from error
        if self._proxy is None:
            return State.OK, "none"
        return State.OK, f"{self._proxy.source}: {self._proxy.netloc}"

    def _examine_name(self) -> tuple[State, str]:
        host, port = self._peer
        try:
            found = run_bounded(lambda: socket.getaddrinfo(host, port, type=socket.SOCK_STREAM))
        except (OSError, UnicodeError) as error:
            reason = getattr(error, "strerror", None) or error
            remedy = "Check the spelling of the address, and the network and its DNS."
            raise _StepError(f"{host} has no address: {reason}", remedy) from error
        listed = dict.fromkeys(str(address[0]) for *_, address in found)
        return State.OK, f"{host} is {', '.join(listed)}"

    def _examine_connection(self) -> tuple[State, str]:
        host, port = self._peer
        try:
            run_bounded(self._connect).close()
        except OSError as error:
            reason = error.strerror or error
            raise _StepError(f"Port {port} of {host}: {reason}", self._connection_remedy) from error
        return State.OK, f"port {port} of {host} is open"

    @property
    def _connection_remedy(self) -> str:
        if self._proxy:
            return f"Check {self._proxy.source}, or add the server to NO_PROXY."
        if is_loopback(self._peer[0]):
            config = self._config
            text = explain_absent_hub(config.api_url, config.api_token, config.origin.url)
            return f"{text[0].upper()}{text[1:]}"
        return _CHECK_NETWORK

    def _connect(self) -> socket.socket:
        host, port = self._peer
        return socket.create_connection((host, port), timeout=_REQUEST_SECONDS)

    def _examine_certificate(self) -> tuple[State, str]:
        if self._url.scheme != "https":
            return State.SKIPPED, "the address is not https"
        if self._proxy:
            return State.SKIPPED, "behind the proxy: it is checked with the health"
        host = self._peer[0]
        try:
            context = ssl_context()
        except UserError as error:
            raise _StepError(str(error), "Correct or unset the variable.") from error
        try:
            certificate = run_bounded(lambda: self._read_certificate(context))
        except ssl.SSLCertVerificationError as error:
            raise _StepError(
                f"The certificate of {host} is not trusted: {error.verify_message}.",
                "If your network has its own certificates, set SSL_CERT_FILE or REQUESTS_CA_BUNDLE "
                "to the path of their file. If it has expired, check the clock of this machine.",
            ) from error
        except OSError as error:
            raise _StepError(
                f"{host} does not speak TLS: {error.strerror or error}",
                f"{WRITE_HTTP} If it is right, check its port.",
            ) from error
        return State.OK, f"trusted, valid until {certificate.get('notAfter', 'an unknown time')}"

    def _read_certificate(self, context: ssl.SSLContext) -> dict[str, object]:
        with (
            self._connect() as connection,
            context.wrap_socket(connection, server_hostname=self._peer[0]) as secured,
        ):
            return dict(secured.getpeercert() or {})

    def _examine_health(self) -> tuple[State, str]:
        try:
            self._health = run_bounded(lambda: fetch_health(self._config, _REQUEST_SECONDS))
        except (Error, TimeoutError) as error:
            raise _StepError(str(error), _CHECK_NETWORK) from error
        health = self._health
        if health.problem is not None and not is_official(self._config):
            raise _StepError(
                str(health.problem), "Check api_url; if it is right, ask who runs the server."
            )
        if not health.status:
            return State.OK, "it answers, and has no health check"
        return State.OK, f"{health.status}, release {health.version or 'unknown'}"

    def _examine_clock(self) -> tuple[State, str]:
        if self._health.date is None:
            return State.SKIPPED, "the server does not say what time it is"
        seconds = round((datetime.now(UTC) - self._health.date).total_seconds())
        if abs(seconds) > _MAX_CLOCK_DIFFERENCE:
            raise _StepError(
                f"This machine is {abs(seconds)} seconds {'ahead of' if seconds > 0 else 'behind'} "
                "the server: downloads and certificates may be refused.",
                "Set the clock of this machine by a time server (NTP).",
            )
        return State.OK, f"that of the server differs by {abs(seconds)} seconds"

    def _examine_token(self) -> tuple[State, str]:
        if not self._config.api_token:
            return State.SKIPPED, "there is none"
        try:
            user = run_bounded(self._fetch_email)
        except (Error, TimeoutError) as error:
            if getattr(error, "status_code", None) == _REFUSED:
                remedy = how_to_get_token(self._url, self._config)
                raise _StepError(f"{self._url.netloc.decode()} refused it.", remedy) from error
            raise _StepError(str(error), _CHECK_NETWORK) from error
        return State.OK, f"accepted: it belongs to {user}"

    def _fetch_email(self) -> str:
        with request_limits(time_limit=_REQUEST_SECONDS), Client(self._config) as client:
            return client.get_user().email
