"""Users whom a trusted proxy or an issuer of OpenID Connect vouches for."""

import base64
import json
import threading
import time
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import httpx
import jwt
import pytest
from cryptography.hazmat.primitives.asymmetric import rsa
from support.fake_worker import FakeWorker
from support.hub_http import problem

from qai_hub.local import LocalHub
from qai_hub.local.config import HubConfig, SignIn
from qai_hub.local.errors import ProblemError
from qai_hub.local.server.oidc import TokenVerifier

ADA = "ada@example.com"
HEADER = "X-Forwarded-Email"


class Issuer:
    """An issuer on a socket, whose keys a test makes and withdraws."""

    def __init__(self) -> None:
        self.keys: dict[str, rsa.RSAPrivateKey] = {}
        self.requests: list[str] = []
        issuer = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                issuer.requests.append(self.path)
                body = json.dumps(issuer.answer(self.path)).encode()
                self.send_response(200)
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, *_: object) -> None:
                pass

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self.server.server_port}"
        threading.Thread(target=self.server.serve_forever, args=(0.01,), daemon=True).start()

    def answer(self, path: str) -> dict[str, Any]:
        if path == "/.well-known/openid-configuration":
            return {"issuer": self.url, "jwks_uri": f"{self.url}/keys"}
        return {
            "keys": [
                {**jwt.algorithms.RSAAlgorithm.to_jwk(key.public_key(), as_dict=True), "kid": name}
                for name, key in self.keys.items()
            ]
        }

    def add_key(self, name: str) -> None:
        self.keys[name] = rsa.generate_private_key(public_exponent=65537, key_size=2048)

    def claims(self, **changed: Any) -> dict[str, Any]:
        now = int(time.time())
        found = {"iss": self.url, "aud": "hub", "exp": now + 600, "iat": now, "email": ADA}
        return {name: value for name, value in (found | changed).items() if value is not None}

    def token(self, name: str = "first", **changed: Any) -> str:
        return jwt.encode(
            self.claims(**changed), self.keys[name], algorithm="RS256", headers={"kid": name}
        )

    def close(self) -> None:
        self.server.shutdown()
        self.server.server_close()


@pytest.fixture(scope="module")
def issuer() -> Iterator[Issuer]:
    made = Issuer()
    made.add_key("first")
    yield made
    made.close()


@pytest.fixture(scope="module")
def hub(issuer: Issuer) -> Iterator[LocalHub]:
    sign_in = SignIn(
        trusted_proxies=("127.0.0.0/8",),
        user_header=HEADER,
        issuer=issuer.url,
        audience="hub",
        domains=("Example.com",),
        create_users=True,
    )
    config = HubConfig(users=((ADA, "a.token"),), sign_in=sign_in, validate_responses=True)
    with LocalHub.from_config(config, run_attempt=FakeWorker()) as running:
        yield running


def ask(hub: LocalHub, headers: dict[str, str] | list[tuple[str, str]]) -> httpx.Response:
    return httpx.get(f"{hub.url}/api/v1/users/auth/user/", headers=headers)


def signed_in(hub: LocalHub, token: str, scheme: str = "Bearer") -> httpx.Response:
    return ask(hub, {"Authorization": f"{scheme} {token}"})


def email(response: httpx.Response) -> str:
    assert response.status_code == 200, response.text
    return str(response.json()["email"])


@pytest.mark.parametrize("scheme", ["Bearer", "bearer", "token"])
def test_a_token_of_the_issuer_signs_its_user_in(
    hub: LocalHub, issuer: Issuer, scheme: str
) -> None:
    # Clients send what they have as `token`.
    assert email(signed_in(hub, issuer.token(), scheme)) == ADA
    assert email(signed_in(hub, "a.token", "token")) == ADA


def test_who_signs_in_for_the_first_time_becomes_a_user(hub: LocalHub, issuer: Issuer) -> None:
    token = issuer.token(email="New@example.com")
    assert email(signed_in(hub, token)) == email(signed_in(hub, token)) == "new@example.com"
    (made,) = [user for user in hub.users() if user.email == "new@example.com"]
    assert (made.origin, made.active, made.tokens) == ("added", True, 0)
    hub.revoke_user("new@example.com")
    assert "has no access" in problem(signed_in(hub, token), 401)


def unsigned(issuer: Issuer) -> str:
    parts = [{"alg": "none", "typ": "JWT", "kid": "first"}, issuer.claims()]
    encoded = [base64.urlsafe_b64encode(json.dumps(each).encode()).rstrip(b"=") for each in parts]
    return b".".join([*encoded, b""]).decode()


def by_public_key(issuer: Issuer) -> str:
    """A token that takes the issuer's public key for a password."""
    number = issuer.keys["first"].public_key().public_numbers().n
    secret = number.to_bytes(256, "big")
    return jwt.encode(issuer.claims(), secret, algorithm="HS256", headers={"kid": "first"})


def changed(token: str) -> str:
    head, body, signature = token.split(".")
    return ".".join(
        [head, body, signature[:10] + ("A" if signature[10] != "A" else "B") + signature[11:]]
    )


def test_what_the_issuer_did_not_sign_for_this_hub_is_refused(
    hub: LocalHub, issuer: Issuer
) -> None:
    refused = {
        issuer.token(exp=int(time.time()) - 60): "has expired",
        issuer.token(exp=None): "is not valid",
        issuer.token(aud="other"): "is for another service",
        issuer.token(aud=None): "is not valid",
        issuer.token(iss="https://other.example.com"): "is from another issuer",
        issuer.token(email=None): "has no claim 'email'",
        issuer.token(email_verified=False): "was not verified",
        issuer.token(email="nobody"): "without an e-mail address",
        issuer.token(email="eve@elsewhere.com"): "not for addresses such as eve@elsewhere.com",
        issuer.token(email="eve@sub.example.com"): "not for addresses",
        unsigned(issuer): "is not valid",
        by_public_key(issuer): "is not valid",
        changed(issuer.token()): "is not valid",
        "no.token.at-all": "is not valid",
    }
    for token, reason in refused.items():
        response = signed_in(hub, token)
        assert reason in problem(response, 401)
        assert token not in response.text
    # What is no token of that kind is looked up among the hub's own.
    problem(signed_in(hub, "other", "token"), 401)
    problem(signed_in(hub, hub.token(ADA), "Bearer"), 401)


def test_a_proxy_signs_users_in_by_its_header(hub: LocalHub) -> None:
    assert email(ask(hub, {HEADER: "Ada@Example.com"})) == ADA
    # Who it is for does not count, but who sends it.
    assert email(ask(hub, {HEADER: ADA, "X-Forwarded-For": "203.0.113.7"})) == ADA
    # Who shows a token is its user.
    assert email(ask(hub, {HEADER: "bob@example.com", "Authorization": "token a.token"})) == ADA
    problem(ask(hub, {HEADER: ADA, "Authorization": "token wrong"}), 401)
    problem(ask(hub, {}), 401)
    problem(ask(hub, {HEADER: ""}), 401)
    problem(ask(hub, {HEADER: "eve@elsewhere.com"}), 401)
    assert "twice" in problem(ask(hub, [(HEADER, ADA), (HEADER, "bob@example.com")]), 401)


def test_a_page_of_another_site_cannot_use_the_proxys_session(hub: LocalHub) -> None:
    for site, status in (
        ("cross-site", 401),
        ("same-site", 401),
        ("same-origin", 200),
        ("none", 200),
    ):
        assert ask(hub, {HEADER: ADA, "Sec-Fetch-Site": site}).status_code == status
        followed = {"Sec-Fetch-Site": site, "Sec-Fetch-Mode": "navigate"}
        assert ask(hub, {HEADER: ADA, **followed}).status_code == 200


def test_the_header_of_anybody_else_counts_for_nothing() -> None:
    sign_in = SignIn(trusted_proxies=("192.0.2.0/24", "2001:db8::/32"), user_header=HEADER)
    config = HubConfig(users=((ADA, "secret"),), sign_in=sign_in)
    with LocalHub.from_config(config, run_attempt=FakeWorker()) as hub:
        # Nor does what somebody says of where a request is from.
        for forwarded in ({}, {"X-Forwarded-For": "192.0.2.1"}, {"Forwarded": "for=192.0.2.1"}):
            problem(ask(hub, {HEADER: ADA, **forwarded}), 401)
        assert email(ask(hub, {HEADER: "eve@example.com", "Authorization": "token secret"})) == ADA


def test_nobody_becomes_a_user_unless_that_is_wanted() -> None:
    sign_in = SignIn(trusted_proxies=("127.0.0.1",), user_header=HEADER)
    config = HubConfig(users=((ADA, None),), sign_in=sign_in)
    with LocalHub.from_config(config, run_attempt=FakeWorker()) as hub:
        assert email(ask(hub, {HEADER: ADA})) == ADA
        assert "ask its administrator" in problem(ask(hub, {HEADER: "bob@example.com"}), 401)
        assert [user.email for user in hub.users()] == [ADA]


class Clock:
    seconds = 0.0

    def __call__(self) -> float:
        return self.seconds


def test_keys_are_fetched_when_they_change_and_not_more_often_than_that() -> None:
    issuer, clock = Issuer(), Clock()
    issuer.add_key("first")
    verifier = TokenVerifier(SignIn(issuer=issuer.url, audience="hub"), clock)
    old = issuer.token()
    for _ in range(3):
        assert verifier.verify(old) == ADA
    assert issuer.requests == ["/.well-known/openid-configuration", "/keys"]
    issuer.add_key("second")
    new = issuer.token("second")
    # A moment after the last request, not again: anybody can name a key.
    with pytest.raises(ProblemError, match="is not valid"):
        verifier.verify(new)
    clock.seconds += 11
    assert verifier.verify(new) == verifier.verify(old) == ADA
    assert len(issuer.requests) == 4
    # A key that was withdrawn counts until the keys are fetched again.
    del issuer.keys["first"]
    clock.seconds += 3601
    with pytest.raises(ProblemError, match="is not valid"):
        verifier.verify(old)
    assert verifier.verify(new) == ADA
    issuer.close()
    # While the issuer is down, the keys that are known go on to count.
    clock.seconds += 3601
    assert verifier.verify(new) == ADA


def test_an_issuer_that_is_down_is_not_the_users_fault() -> None:
    issuer, clock = Issuer(), Clock()
    issuer.add_key("first")
    token = issuer.token()
    issuer.close()
    verifier = TokenVerifier(SignIn(issuer=issuer.url, audience="hub"), clock)
    for _ in range(2):
        with pytest.raises(ProblemError, match="cannot be reached") as caught:
            verifier.verify(token)
        assert caught.value.status == 503


@pytest.mark.parametrize(
    ("settings", "wrong"),
    [
        ({"trusted_proxies": ("proxy",), "user_header": HEADER}, "networks such as 10.0.0.0/8"),
        ({"trusted_proxies": ("10.0.0.0/8",)}, "given together"),
        ({"user_header": HEADER}, "given together"),
        ({"trusted_proxies": ("10.0.0.0/8",), "user_header": "a b"}, "name of a header"),
        ({"issuer": "https://sso.example.com"}, "given together"),
        ({"issuer": "http://sso.example.com", "audience": "hub"}, "must be a URL with https"),
        (
            {"issuer": "https://sso.example.com", "audience": "hub", "create_users": True},
            "domains must say who",
        ),
    ],
)
def test_settings_that_open_more_than_was_meant_are_refused(
    settings: dict[str, Any], wrong: str
) -> None:
    with pytest.raises(ValueError, match=wrong):
        SignIn(**settings)


def test_openid_connect_without_its_library_says_what_to_install(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("qai_hub.local.server.app.find_spec", lambda name: None)
    sign_in = SignIn(issuer="https://sso.example.com", audience="hub")
    with pytest.raises(ValueError, match=r"pip install 'qai-hub-openapi\[oidc\]'"):
        LocalHub.from_config(HubConfig(sign_in=sign_in)).start()
