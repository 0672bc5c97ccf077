"""A real Chromium, and servers whose page it opens."""

import shutil
import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, expect, sync_playwright
from pydantic import SecretStr

from api.server.http_server import build_server
from service.settings import Settings
from tests.browser.chromium import FLAGS, INSTALL_HINT, find_chromium
from tests.browser.page_monitor import PageMonitor
from tests.polling import wait_until

TOKEN = "a long random string"  # noqa: S105  # it protects nothing
_TIMEOUT_MS = 20_000


@pytest.fixture(scope="package")
def browser() -> Iterator[Browser]:
    """Chromium, one for all tests of this package: while it is open, no other event loop can run in this thread."""
    path = find_chromium()
    if path is None:
        pytest.skip(INSTALL_HINT)
    expect.set_options(timeout=_TIMEOUT_MS)
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=path, args=FLAGS)
        yield browser
        browser.close()


@contextmanager
def run_site(settings: Settings, port: int = 0) -> Iterator[str]:
    """Run the API without a worker in this process; yield its address."""
    server = build_server(settings, log_level="warning")
    with socket.create_server(("127.0.0.1", port), reuse_port=False) as listener:
        thread = threading.Thread(target=server.run, kwargs={"sockets": [listener]})
        thread.start()
        wait_until(lambda: server.started)
        try:
            yield f"http://127.0.0.1:{listener.getsockname()[1]}"
        finally:
            server.should_exit = True
            thread.join()


@pytest.fixture(scope="package")
def make_settings(sqlite_template, broker_url, tmp_path_factory) -> Callable[..., Settings]:
    """A function that returns the settings of a new, empty installation."""

    def make_settings(**changes) -> Settings:
        directory: Path = tmp_path_factory.mktemp("site")
        shutil.copy(sqlite_template, directory)
        return Settings(data_dir=directory, broker_url=broker_url, **changes)

    return make_settings


@pytest.fixture(scope="package")
def site(make_settings) -> Iterator[str]:
    """The address of a server without a token and without a worker."""
    with run_site(make_settings()) as url:
        yield url


@pytest.fixture(scope="package")
def private_site(make_settings) -> Iterator[str]:
    """The address of a server with a token."""
    with run_site(make_settings(token=SecretStr(TOKEN))) as url:
        yield url


@pytest.fixture
def monitor() -> Iterator[PageMonitor]:
    """What pages did that no page should do; the test fails if there is any."""
    monitor = PageMonitor()
    yield monitor
    assert monitor.problems == []


@pytest.fixture
def open_page(browser, monitor) -> Iterator[Callable[..., Page]]:
    """A function that opens an address in a new window, with cookies of its own unless it shares a context."""
    with ExitStack() as stack:

        def open_page(url: str, context=None, **options) -> Page:
            if context is None:
                context = stack.enter_context(browser.new_context(**options))
                context.set_default_timeout(_TIMEOUT_MS)
            page = context.new_page()
            monitor.watch(page, url)
            page.goto(url)
            return page

        yield open_page
