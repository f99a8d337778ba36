"""The consent page in a real browser: it can be read, reached by keyboard, and decides what its buttons say."""

from collections.abc import Callable
from urllib.parse import parse_qs, urlencode, urlsplit

import pytest
from selenium import webdriver
from selenium.webdriver.common.by import By
from selenium.webdriver.common.keys import Keys
from selenium.webdriver.support.wait import WebDriverWait

from krebit_sandbox import Sandbox
from tests.browser import chromium
from tests.sandbox.support import authorize_query

__all__ = ["chromium"]
CALLBACK = "http://127.0.0.1:8765/callback"


@pytest.fixture
def site(krebit_sandbox_factory: Callable[..., Sandbox]) -> Sandbox:
    """Without TLS: whether the browser trusts an authority is not what is tested."""
    return krebit_sandbox_factory(tls=False)


def open_page(chromium: webdriver.Chrome, site: Sandbox, **changes: str) -> None:
    query = authorize_query(site, redirect_uri=CALLBACK, **changes)
    chromium.get(f"{site.url}/oauth/authorize?{urlencode(query)}")


def callback(chromium: webdriver.Chrome) -> dict[str, str]:
    """The address that the browser was sent to; nothing listens there."""
    WebDriverWait(chromium, 20).until(lambda driver: driver.current_url.startswith(CALLBACK))
    return {name: values[0] for name, values in parse_qs(urlsplit(chromium.current_url).query).items()}


def buttons(chromium: webdriver.Chrome) -> dict[str, object]:
    return {button.accessible_name: button for button in chromium.find_elements(By.TAG_NAME, "button")}


def test_allow_by_mouse(chromium: webdriver.Chrome, site: Sandbox) -> None:
    open_page(chromium, site)
    assert chromium.title == "Allow access - Krebit sandbox"
    assert chromium.find_element(By.TAG_NAME, "h1").text == "Quickstart asks for access"
    assert CALLBACK in chromium.find_element(By.TAG_NAME, "main").text
    assert "sandbox" in chromium.find_element(By.CSS_SELECTOR, "[role=note]").text
    assert list(buttons(chromium)) == ["Allow", "Deny"]
    chromium.find_element(By.CSS_SELECTOR, "button[value=allow]").click()
    assert set(callback(chromium)) == {"code", "state"}


def test_deny_by_keyboard(chromium: webdriver.Chrome, site: Sandbox) -> None:
    open_page(chromium, site, state="by keyboard")
    chromium.switch_to.active_element.send_keys(Keys.TAB)
    chromium.switch_to.active_element.send_keys(Keys.TAB)
    assert chromium.switch_to.active_element.text == "Deny"
    chromium.switch_to.active_element.send_keys(Keys.ENTER)
    query = callback(chromium)
    assert (query["error"], query["state"]) == ("access_denied", "by keyboard")


@pytest.mark.parametrize("width", [320, 1280])
def test_nothing_is_cut_off(chromium: webdriver.Chrome, site: Sandbox, width: int) -> None:
    chromium.set_window_size(max(width, 500), 800)
    chromium.execute_cdp_cmd(
        "Emulation.setDeviceMetricsOverride", {"width": width, "height": 800, "deviceScaleFactor": 1, "mobile": False}
    )
    open_page(chromium, site)
    assert chromium.execute_script("return document.documentElement.scrollWidth <= window.innerWidth")
    for button in chromium.find_elements(By.TAG_NAME, "button"):
        assert button.is_displayed()
        assert button.size["height"] >= 44
    chromium.execute_cdp_cmd("Emulation.clearDeviceMetricsOverride", {})


def test_the_policy_blocks_nothing_that_the_page_uses(chromium: webdriver.Chrome, site: Sandbox) -> None:
    open_page(chromium, site)
    log: list[dict[str, str]] = chromium.get_log("browser")  # type: ignore[no-untyped-call]
    messages = [entry["message"] for entry in log]
    assert [text for text in messages if "Content Security Policy" in text or "Content-Security-Policy" in text] == []
    color = chromium.find_element(By.CSS_SELECTOR, "button.primary").value_of_css_property("background-color")
    assert color not in {"rgba(0, 0, 0, 0)", "rgba(239, 239, 239, 1)"}


def test_an_error_page_says_what_is_registered(chromium: webdriver.Chrome, site: Sandbox) -> None:
    query = authorize_query(site, redirect_uri="https://evil.example/<b>")
    chromium.get(f"{site.url}/oauth/authorize?{urlencode(query)}")
    text = chromium.find_element(By.TAG_NAME, "main").text
    assert "https://evil.example/<b>" in text
    assert all(uri in text for uri in site.application.redirect_uris)
    assert chromium.current_url.startswith(site.url)
