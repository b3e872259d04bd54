"""Who sends a request: the user of a token, or one whom a proxy or an issuer vouches for."""

import ipaddress
from typing import TYPE_CHECKING

from anyio.to_thread import run_sync
from starlette.requests import Request

from qai_hub.local.api.other_sites import is_of_other_site
from qai_hub.local.config import SignIn
from qai_hub.local.contract import get_caller
from qai_hub.local.core.accounts import Accounts
from qai_hub.local.errors import ProblemError
from qai_hub.local.server.run import PEER
from qai_hub.local.store.people import normalize_email
from qai_hub.local.store.records import User

if TYPE_CHECKING:
    from qai_hub.local.server.oidc import TokenVerifier

_CHALLENGE = {"WWW-Authenticate": "token"}


class Callers:
    """Finds the user that sent a request.

    Args:
        accounts: The users, and their tokens.
        sign_in: Who else vouches for users.
        verifier: Checks the tokens of an issuer; None if there is none.
    """

    def __init__(
        self, accounts: Accounts, sign_in: SignIn, verifier: "TokenVerifier | None" = None
    ) -> None:
        self._accounts = accounts
        self._sign_in = sign_in
        self._verifier = verifier
        self._proxies = [ipaddress.ip_network(each) for each in sign_in.trusted_proxies]
        self._domains = frozenset(each.lower() for each in sign_in.domains)

    async def __call__(self, request: Request) -> User:
        """Return the user.

        Raises:
            ProblemError: 401 if the request does not tell, or they have no access; 503 if the
                issuer of its token cannot be reached.
        """
        scheme, _, token = request.headers.get("authorization", "").partition(" ")
        token = token.strip()
        # Theirs consist of three parts, which no token that the hub generates does.
        if self._verifier is not None and scheme.lower() in ("token", "bearer") and "." in token:
            known = self._accounts.authenticate(token) if scheme.lower() == "token" else None
            if known is not None:
                return known
            return await run_sync(self._from_issuer, self._verifier, token)
        if not token and self._is_proxy(request):
            values = request.headers.getlist(self._sign_in.user_header)
            if values:
                if is_of_other_site(request):
                    raise ProblemError(
                        401, "Pages of other sites cannot use this hub.", headers=_CHALLENGE
                    )
                return await run_sync(self._from_proxy, values)
        user: User = get_caller(request, self._accounts.authenticate)
        return user

    def _is_proxy(self, request: Request) -> bool:
        """Return whether a proxy that vouches for users has sent a request itself."""
        peer = request.scope.get(PEER)
        if not self._proxies or peer is None:
            return False
        address = ipaddress.ip_address(peer)
        # As an IPv6 socket tells the addresses of IPv4.
        address = getattr(address, "ipv4_mapped", None) or address
        return any(address in network for network in self._proxies)

    def _from_proxy(self, values: list[str]) -> User:
        if len(values) != 1:
            raise ProblemError(
                401, f"The proxy has sent {self._sign_in.user_header} twice.", headers=_CHALLENGE
            )
        return self._admit(values[0])

    def _from_issuer(self, verifier: "TokenVerifier", token: str) -> User:
        return self._admit(verifier.verify(token))

    def _admit(self, address: str) -> User:
        try:
            email = normalize_email(address)
        except ValueError:
            raise ProblemError(
                401, "You were signed in without an e-mail address.", headers=_CHALLENGE
            ) from None
        if self._domains and email.rpartition("@")[2] not in self._domains:
            raise ProblemError(
                401, f"This hub is not for addresses such as {email}.", headers=_CHALLENGE
            )
        user = self._accounts.admit(email, create=self._sign_in.create_users)
        if user is None:
            raise ProblemError(
                401,
                f"{email} has no access to this hub: ask its administrator.",
                headers=_CHALLENGE,
            )
        return user
