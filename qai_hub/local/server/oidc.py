"""OpenID Connect: checks the tokens that an issuer has signed."""

import logging
import threading
import time
from collections.abc import Callable, Sequence

import jwt

from qai_hub.http_library import httpx
from qai_hub.local.config import SignIn
from qai_hub.local.errors import ProblemError

# Of signatures only, so that no key of the issuer can serve as a password.
_ALGORITHMS = (
    *("RS256", "RS384", "RS512", "PS256", "PS384", "PS512"),
    *("ES256", "ES384", "ES512", "EdDSA"),
)
_LEEWAY_SECONDS = 30
_KEYS_SECONDS = 3600.0
# An issuer is not asked more often for a key that it may have added, whoever names one.
_MISSING_SECONDS = 10.0
_TIMEOUT_SECONDS = 5.0
_CHALLENGE = {"WWW-Authenticate": "token"}
_log = logging.getLogger(__name__)


class TokenVerifier:
    """Checks tokens of an issuer. May be used from any thread.

    Args:
        sign_in: The issuer, and what its tokens must say.
        monotonic: Returns a monotonic time in seconds.
    """

    def __init__(self, sign_in: SignIn, monotonic: Callable[[], float] = time.monotonic) -> None:
        self._sign_in = sign_in
        self._keys = _IssuerKeys(sign_in.issuer, monotonic)

    def verify(self, token: str) -> str:
        """Return the e-mail address of the user that a token is for.

        Args:
            token: The token. It is a secret.

        Raises:
            ProblemError: 401 if the token is not valid; 503 if the issuer cannot be reached.
        """
        try:
            key = self._keys.find(jwt.get_unverified_header(token).get("kid"))
            claims = jwt.decode(
                token,
                key,
                algorithms=_ALGORITHMS,
                audience=self._sign_in.audience,
                issuer=self._sign_in.issuer,
                leeway=_LEEWAY_SECONDS,
                options={"require": ["exp", "iss", "aud"]},
            )
        except jwt.ExpiredSignatureError:
            raise _refusal("has expired: get a new one") from None
        except jwt.InvalidAudienceError:
            raise _refusal("is for another service") from None
        except jwt.InvalidIssuerError:
            raise _refusal("is from another issuer") from None
        except (jwt.PyJWTError, ValueError):
            raise _refusal("is not valid") from None
        email = claims.get(self._sign_in.email_claim)
        if not isinstance(email, str):
            raise _refusal(f"has no claim {self._sign_in.email_claim!r}")
        if claims.get("email_verified") is False:
            raise _refusal("is for an e-mail address that was not verified")
        return email


def _refusal(what: str) -> ProblemError:
    return ProblemError(401, f"The token that you signed in with {what}.", headers=_CHALLENGE)


class _IssuerKeys:
    """The keys of an issuer, fetched when they are first needed, and when one is missing."""

    def __init__(self, issuer: str, monotonic: Callable[[], float]) -> None:
        self._issuer = issuer
        self._monotonic = monotonic
        self._lock = threading.Lock()
        self._keys: Sequence[jwt.PyJWK] = ()
        self._fetched_at = float("-inf")
        self._asked_at = float("-inf")

    def find(self, name: str | None) -> jwt.PyJWK:
        """Return a key.

        Args:
            name: Its name; None for the only one.

        Raises:
            jwt.InvalidKeyError: The issuer has no such key.
            ProblemError: 503 if the issuer cannot be reached.
        """
        with self._lock:
            now = self._monotonic()
            found = self._get(name)
            is_old = now - self._fetched_at >= _KEYS_SECONDS
            if (found is None or is_old) and now - self._asked_at >= _MISSING_SECONDS:
                self._asked_at = now
                self._fetch(now)
                found = self._get(name)
            if found is None and not self._keys:
                raise _UNREACHABLE
        if found is None:
            raise jwt.InvalidKeyError("the issuer has no such key")
        return found

    def _get(self, name: str | None) -> jwt.PyJWK | None:
        fitting = [key for key in self._keys if name in (None, key.key_id)]
        return fitting[0] if len(fitting) == 1 else None

    def _fetch(self, now: float) -> None:
        """Fetch the keys; those that are known stay if the issuer cannot be reached."""
        try:
            address = f"{self._issuer.rstrip('/')}/.well-known/openid-configuration"
            keys_address = _get_json(address)["jwks_uri"]
            keys = jwt.PyJWKSet.from_dict(_get_json(str(keys_address))).keys
        except (httpx.HTTPError, httpx.InvalidURL, jwt.PyJWTError, ValueError, KeyError) as error:
            _log.warning("the keys of %s cannot be fetched: %s", self._issuer, error)
            return
        self._keys = [key for key in keys if key.public_key_use in (None, "sig")]
        self._fetched_at = now


def _get_json(url: str) -> dict[str, object]:
    response = httpx.get(url, timeout=_TIMEOUT_SECONDS)
    found = response.raise_for_status().json()
    if not isinstance(found, dict):
        raise ValueError(f"{url} is no object")  # noqa: TRY004 - what is read, not what is given
    return found


_UNREACHABLE = ProblemError(
    503,
    "The issuer of your token cannot be reached: try again in a moment.",
    headers={"Retry-After": "10"},
)
