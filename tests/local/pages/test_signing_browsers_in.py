"""Signing a browser in: once by each link, as one person, until the token is revoked."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

import httpx
import pytest
from support.hub_http import Api
from support.page_browser import PageBrowser
from support.page_document import Document

import qai_hub as hub_client
from qai_hub.local import LocalHub

ADA = "ada@example.com"


class Clock:
    """A clock that the test turns."""

    def __init__(self) -> None:
        self.late = timedelta()

    def __call__(self) -> datetime:
        return datetime.now(UTC) + self.late


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def own_hub(clock: Clock) -> Iterator[LocalHub]:
    with LocalHub(users=[ADA, "bob@example.com"], clock=clock, run_attempt=None) as running:
        yield running


@pytest.fixture
def nobody(hub: LocalHub) -> Iterator[PageBrowser]:
    opened = PageBrowser(hub)
    yield opened
    opened.close()


def test_a_link_of_the_api_signs_one_browser_in(hub: LocalHub, nobody: PageBrowser) -> None:
    link = hub.client(ADA).create_sign_in_link("/jobs/?state=done")
    answer = nobody.sign_in(link)
    assert str(answer.url) == f"{hub.url}/jobs/?state=done"
    assert ADA in answer.text
    again = PageBrowser(hub)
    code = httpx.URL(link).params["code"]
    for refused in (again.http.get(link), again.post("/sign-in/", code=code, to="/")):
        assert refused.status_code == 403
        assert "has been used" in refused.text
    again.close()


def test_looking_at_the_page_of_a_link_does_not_use_it_up(
    hub: LocalHub, nobody: PageBrowser
) -> None:
    link = hub.sign_in_link(ADA)
    for _ in range(3):
        assert nobody.http.get(link).status_code == 200
        assert nobody.http.head(link).status_code == 200
    assert ADA in nobody.sign_in(link).text


def test_a_browser_becomes_nobody_without_a_click(hub: LocalHub) -> None:
    ada, nobody = PageBrowser(hub, ADA), PageBrowser(hub)
    of_ada, of_bob = hub.sign_in_link(ADA), hub.sign_in_link("bob@example.com")
    # Whoever follows a link from a mail, or by way of another site, has typed nothing either.
    for site in ("none", "same-origin", "same-site", "cross-site"):
        headers = {"Sec-Fetch-Site": site, "Sec-Fetch-Mode": "navigate"}
        same = Document(ada.http.get(of_ada, headers=headers).text)
        other = Document(ada.http.get(of_bob, headers=headers).text)
        first = Document(nobody.http.get(of_ada, headers=headers).text)
        assert [submits(each) for each in (same, other, first)] == [True, False, False]
        assert "This link signs this browser in as bob@example.com" in other.text
        assert "Until now, it is signed in as ada@example.com" in other.text
        assert "This link signs this browser in as ada@example.com" in first.text
    ada.close()
    nobody.close()


def submits(page: Document) -> bool:
    """Whether a page that asks whom to sign in does not wait for an answer."""
    (form,) = (given for tag, given in page.tags if given.get("action") == "/sign-in/")
    return "data-submit" in form


def test_a_link_of_another_site_comes_back_with_the_cookie(
    hub: LocalHub, nobody: PageBrowser
) -> None:
    link = hub.client(ADA).create_sign_in_link("/jobs/?state=done")
    answer = nobody.http.get(link, headers={"Sec-Fetch-Site": "cross-site"})
    assert f"{hub.url}{answer.headers['Refresh'].removeprefix('0; url=')}" == link
    for site in ("none", "same-origin"):
        answer = nobody.http.get(link, headers={"Sec-Fetch-Site": site})
        assert "Refresh" not in answer.headers


def test_signing_in_again_ends_the_earlier_session(hub: LocalHub) -> None:
    ada = PageBrowser(hub, ADA)
    earlier = dict(ada.http.cookies)
    # What cannot be used changes nothing.
    assert ada.post("/sign-in/", code="x", to="/").status_code == 403
    assert ada.http.get("/jobs/").status_code == 200
    assert ada.sign_in(hub.sign_in_link(ADA)).status_code == 200
    ada.http.cookies.clear()
    ada.http.cookies.update(earlier)
    assert ada.http.get("/jobs/").status_code == 303
    ada.close()


def test_a_session_is_no_link(hub: LocalHub) -> None:
    ada = PageBrowser(hub, ADA)
    (session,) = ada.http.cookies.values()
    assert ada.post("/sign-in/", code=session, to="/").status_code == 403
    assert ada.http.get("/jobs/").status_code == 200
    ada.close()


def test_a_cookie_is_for_this_hub_and_no_script(hub: LocalHub, nobody: PageBrowser) -> None:
    code = hub.sign_in_link(ADA).partition("code=")[2]
    cookie = nobody.post("/sign-in/", code=code, to="/").headers["Set-Cookie"]
    assert "HttpOnly" in cookie
    assert "SameSite=strict" in cookie
    assert "Max-Age=1209600" in cookie
    assert "Secure" not in cookie
    assert hub.token(ADA) not in cookie


def test_behind_tls_a_cookie_is_for_tls_alone(hub: LocalHub, nobody: PageBrowser) -> None:
    code = hub.sign_in_link(ADA).partition("code=")[2]
    nobody.http.headers["X-Forwarded-Proto"] = "https"
    cookie = nobody.post("/sign-in/", code=code, to="/").headers["Set-Cookie"]
    assert "Secure" in cookie


@pytest.mark.parametrize(
    "elsewhere",
    [
        *("//evil.example/", "/\\evil.example/", "https://evil.example/", "javascript:1"),
        *("/\t/evil.example/", "/\n/evil.example/", "/jobs/\r"),
    ],
)
def test_a_link_leads_nowhere_else(hub: LocalHub, nobody: PageBrowser, elsewhere: str) -> None:
    code = hub.sign_in_link(ADA).partition("code=")[2]
    page = Document(nobody.http.get("/sign-in/", params={"code": code, "to": elsewhere}).text)
    assert page.forms[0]["fields"]["to"] == "/"
    answer = nobody.post("/sign-in/", code=code, to=elsewhere)
    assert answer.headers["Location"] == "/"


def test_pages_lead_to_where_one_signs_in_and_back(hub: LocalHub, nobody: PageBrowser) -> None:
    answer = nobody.http.get("/jobs/?type=link")
    assert answer.status_code == 303
    assert answer.headers["Location"] == "/sign-in/?to=/jobs/%3Ftype%3Dlink"
    page = nobody.get(answer.headers["Location"])
    assert "qai-hub open '/jobs/?type=link'" in page.text


def test_a_session_ends_with_its_token(own_hub: LocalHub) -> None:
    ada = PageBrowser(own_hub, ADA)
    assert ada.http.get("/jobs/").status_code == 200
    own_hub.renew_token(ADA)
    assert ada.http.get("/jobs/").status_code == 303
    ada.close()


def test_a_session_ends_with_the_access_of_its_user(own_hub: LocalHub) -> None:
    ada, bob = PageBrowser(own_hub, ADA), PageBrowser(own_hub, "bob@example.com")
    own_hub.revoke_user(ADA)
    assert ada.http.get("/jobs/").status_code == 303
    assert bob.http.get("/jobs/").status_code == 200
    ada.close()
    bob.close()


def test_links_and_sessions_end_after_a_time(own_hub: LocalHub, clock: Clock) -> None:
    ada, late = PageBrowser(own_hub, ADA), PageBrowser(own_hub)
    link = own_hub.sign_in_link(ADA)
    clock.late = timedelta(minutes=11)
    assert late.http.get(link).status_code == 403
    assert ada.http.get("/jobs/").status_code == 200
    clock.late = timedelta(days=14, minutes=1)
    assert ada.http.get("/jobs/").status_code == 303
    ada.close()
    late.close()


def test_of_many_links_the_newest_can_be_used(own_hub: LocalHub) -> None:
    early, nobody = PageBrowser(own_hub, ADA), PageBrowser(own_hub)
    of_bob = own_hub.sign_in_link("bob@example.com")
    links = [own_hub.sign_in_link(ADA) for _ in range(30)]
    usable = [nobody.http.get(link).status_code == 200 for link in links]
    assert usable == [False] * 10 + [True] * 20
    # Neither links of others nor sessions are among them.
    assert nobody.http.get(of_bob).status_code == 200
    assert early.http.get("/jobs/").status_code == 200
    early.close()
    nobody.close()


def test_who_signs_out_is_out(hub: LocalHub) -> None:
    ada = PageBrowser(hub, ADA)
    kept = dict(ada.http.cookies)
    assert ada.post("/sign-out/").headers["Location"] == "/sign-in/"
    assert ada.http.get("/jobs/").status_code == 303
    # The cookie would not help whoever has copied it.
    ada.http.cookies.update(kept)
    assert ada.http.get("/jobs/").status_code == 303
    ada.close()


@pytest.mark.parametrize("path", ["/sign-in/", "/sign-out/", "/jobs/jabc12345/"])
@pytest.mark.parametrize("origin", ["https://evil.example", "null", "http://127.0.0.1:1", None])
def test_forms_of_other_sites_are_refused(
    browser: PageBrowser, path: str, origin: str | None
) -> None:
    answer = browser.post(path, origin=origin, do="cancel", code="x")
    assert answer.status_code == 403
    assert "another site" in answer.text
    assert browser.http.get("/jobs/").status_code == 200


@pytest.mark.parametrize("site", ["same-site", "cross-site"])
def test_what_other_sites_request_is_nobodys(hub: LocalHub, site: str) -> None:
    ada = PageBrowser(hub, ADA)
    for mode in ("no-cors", "cors", "same-origin"):
        headers = {"Sec-Fetch-Site": site, "Sec-Fetch-Mode": mode}
        for path in ("/jobs/", "/models/m0000000/content", "/live/"):
            assert ada.http.get(path, headers=headers).status_code in (303, 401)
    # Links may be anywhere.
    headers = {"Sec-Fetch-Site": site, "Sec-Fetch-Mode": "navigate"}
    assert ada.http.get("/jobs/", headers=headers).status_code == 200
    ada.close()


def test_a_link_needs_a_token(hub: LocalHub, browser: PageBrowser) -> None:
    # A page of another site could have a browser send this, with its cookie.
    assert browser.http.post("/api/v1/users/auth/browser/").status_code == 401


def test_only_a_path_can_be_opened(ada: Api, hub: LocalHub) -> None:
    with pytest.raises(hub_client.UserError, match="must begin with a slash"):
        hub.client(ADA).create_sign_in_link("https://evil.example")
