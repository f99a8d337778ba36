"""The browser of the tests that need a real one."""

import gc
import warnings
from collections.abc import Iterator
from shutil import which

import pytest
from selenium import webdriver

from tests.needs import needs


@pytest.fixture(scope="module")
def chromium() -> Iterator[webdriver.Chrome]:
    """Start a browser without a window."""
    needs("chromium", "chromedriver")
    options = webdriver.ChromeOptions()
    options.binary_location = which("chromium") or ""
    for argument in ("--headless=new", "--no-sandbox", "--disable-dev-shm-usage", "--disable-gpu"):
        options.add_argument(argument)
    options.set_capability("goog:loggingPrefs", {"browser": "ALL"})
    driver = webdriver.Chrome(options, webdriver.ChromeService(which("chromedriver")))
    yield driver
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ResourceWarning)  # selenium leaves connections to the driver open
        driver.quit()
        del driver
        gc.collect()
