"""The way through a browser: authorization requests, the consent form, and what comes back to the application."""

import re

import httpx
import pytest

from krebit_sandbox import Sandbox
from tests.sandbox.support import (
    CHALLENGE,
    VERIFIER,
    authorize_query,
    callback_query,
    exchange,
    form_token,
    http_client,
)

AUTHORIZE = "/oauth/authorize"
CONSENT = "/oauth/consent"


def decide(browser: httpx.Client, sandbox: Sandbox, decision: str, **changes: str) -> httpx.Response:
    page = browser.get(AUTHORIZE, params=authorize_query(sandbox, **changes))
    assert page.status_code == 200
    assert f'method="post" action="{CONSENT}"' in page.text
    return browser.post(CONSENT, data={"_token": form_token(page), "decision": decision})


def test_allow_leads_back_with_a_code_that_works(browser: httpx.Client, sandbox: Sandbox) -> None:
    back = decide(browser, sandbox, "allow", state="ä&b=c")
    assert back.headers["location"].startswith(sandbox.application.redirect_uris[0] + "?")
    query = callback_query(back)
    assert (set(query), query["state"]) == ({"code", "state"}, "ä&b=c")
    assert exchange(browser, sandbox, query["code"]).status_code == 200


def test_a_page_from_before_a_reset_has_expired(browser: httpx.Client, sandbox: Sandbox) -> None:
    page = browser.get(AUTHORIZE, params=authorize_query(sandbox))
    sandbox.reset()
    assert browser.post(CONSENT, data={"_token": form_token(page), "decision": "allow"}).status_code == 419


def test_deny_leads_back_with_an_error(browser: httpx.Client, sandbox: Sandbox) -> None:
    query = callback_query(decide(browser, sandbox, "deny"))
    assert query["error"] == "access_denied"
    assert query["state"] == "the-state"
    assert "denied" in query["error_description"]
    assert "code" not in query


def test_the_challenge_is_kept_with_the_code(browser: httpx.Client, sandbox: Sandbox) -> None:
    challenge = {"code_challenge": CHALLENGE, "code_challenge_method": "S256"}
    code = callback_query(decide(browser, sandbox, "allow", **challenge))["code"]
    assert exchange(browser, sandbox, code).status_code == 400
    assert exchange(browser, sandbox, code, code_verifier=VERIFIER).status_code == 200


def test_a_challenge_without_method_is_plain(browser: httpx.Client, sandbox: Sandbox) -> None:
    code = callback_query(decide(browser, sandbox, "allow", code_challenge=VERIFIER))["code"]
    assert exchange(browser, sandbox, code, code_verifier=VERIFIER).status_code == 200


@pytest.mark.parametrize(
    ("changes", "status"),
    [
        ({"client_id": "nobody"}, 401),
        ({"redirect_uri": "https://evil.example/"}, 400),
        ({"redirect_uri": "https://yourapp.example.com/oauth/callback/"}, 400),
        ({"redirect_uri": "https://YOURAPP.example.com/oauth/callback"}, 400),
        ({"redirect_uri": "https://yourapp.example.com/oauth/callback?x=1"}, 400),
        ({"redirect_uri": "http://127.0.0.1:9999/callback"}, 400),
        ({"redirect_uri": ""}, 400),
    ],
)
def test_what_cannot_be_trusted_is_never_redirected_to(
    browser: httpx.Client, sandbox: Sandbox, changes: dict[str, str], status: int
) -> None:
    for consent in ("ask", "allow", "deny"):
        sandbox.switch(consent=consent)
        page = browser.get(AUTHORIZE, params=authorize_query(sandbox, **changes))
        assert page.status_code == status
        assert page.headers["content-type"].startswith("text/html")
        assert "location" not in page.headers
        program = browser.get(AUTHORIZE, params=authorize_query(sandbox, **changes), headers={"Accept": "*/*"})
        assert program.status_code == status
        assert program.json()["error"] == ("invalid_client" if status == 401 else "invalid_request")


@pytest.mark.parametrize(
    ("changes", "error"),
    [
        ({"response_type": "token"}, "unsupported_response_type"),
        ({"response_type": ""}, "unsupported_response_type"),
        ({"code_challenge": CHALLENGE, "code_challenge_method": "S512"}, "invalid_request"),
        ({"code_challenge": "short", "code_challenge_method": "S256"}, "invalid_request"),
    ],
)
def test_other_mistakes_go_back_to_the_application(
    browser: httpx.Client, sandbox: Sandbox, changes: dict[str, str], error: str
) -> None:
    query = callback_query(browser.get(AUTHORIZE, params=authorize_query(sandbox, **changes)))
    assert query == {"error": error, "state": "the-state"}


def test_the_form_is_good_once_and_for_its_browser(browser: httpx.Client, sandbox: Sandbox) -> None:
    page = browser.get(AUTHORIZE, params=authorize_query(sandbox))
    form = {"_token": form_token(page), "decision": "allow"}
    with http_client(sandbox, signed_in=False) as other:
        assert other.post(CONSENT, data=form).status_code == 419
        other.get(AUTHORIZE, params=authorize_query(sandbox))
        assert other.post(CONSENT, data=form).status_code == 419
    assert browser.post(CONSENT, data={"decision": "allow"}).status_code == 419
    assert browser.post(CONSENT, data=form).status_code == 302
    assert browser.post(CONSENT, data=form).status_code == 419


def test_two_pages_open_at_once_both_work(browser: httpx.Client, sandbox: Sandbox) -> None:
    first = browser.get(AUTHORIZE, params=authorize_query(sandbox, state="first"))
    second = browser.get(AUTHORIZE, params=authorize_query(sandbox, state="second"))
    for page, state in ((first, "first"), (second, "second")):
        answer = browser.post(CONSENT, data={"_token": form_token(page), "decision": "allow"})
        assert callback_query(answer)["state"] == state


def test_what_is_given_is_escaped(browser: httpx.Client, sandbox: Sandbox) -> None:
    script = "<script>alert(1)</script>"
    page = browser.get(AUTHORIZE, params=authorize_query(sandbox, redirect_uri=f"https://x/{script}"))
    assert script not in page.text
    assert "&lt;script&gt;" in page.text
    named = sandbox.register(script)
    page = browser.get(AUTHORIZE, params=authorize_query(sandbox, client_id=named.client_id))
    assert script not in page.text


def test_pages_load_nothing_and_cannot_be_framed(browser: httpx.Client, sandbox: Sandbox) -> None:
    page = browser.get(AUTHORIZE, params=authorize_query(sandbox))
    assert not re.search(r"""(src|href)\s*=|url\(|@import""", page.text)
    assert "frame-ancestors 'none'" in page.headers["content-security-policy"]
    assert page.headers["referrer-policy"] == "no-referrer"
    cookie = page.headers["set-cookie"].lower()
    assert all(word in cookie for word in ("httponly", "secure", "samesite=lax"))


@pytest.mark.parametrize(("consent", "key"), [("allow", "code"), ("deny", "error")])
def test_consent_without_a_person(browser: httpx.Client, sandbox: Sandbox, consent: str, key: str) -> None:
    sandbox.switch(consent=consent)
    query = callback_query(browser.get(AUTHORIZE, params=authorize_query(sandbox)))
    assert key in query
    assert query["state"] == "the-state"


def test_a_redirect_uri_keeps_its_own_query(browser: httpx.Client, sandbox: Sandbox) -> None:
    uri = "https://app.example/cb?tenant=a%20b"
    application = sandbox.register("With query", [uri])
    sandbox.switch(consent="allow")
    changes = {"client_id": application.client_id, "redirect_uri": uri}
    answer = browser.get(AUTHORIZE, params=authorize_query(sandbox, **changes))
    assert answer.headers["location"].startswith(uri + "&code=")
