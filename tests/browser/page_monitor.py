"""What a page must never do: log an error, break its policy, fail in a script, or ask another host."""

import re
from urllib.parse import urlsplit

from playwright.sync_api import ConsoleMessage, Page, Request

_OWN_SCHEMES = frozenset({"data", "blob"})


class PageMonitor:
    """Collects the problems of pages. Chromium reports violations of the policy as errors in the console."""

    def __init__(self) -> None:
        self.problems: list[str] = []
        self.paths: list[str] = []
        self._allowed: list[str] = []

    def allow(self, pattern: str) -> None:
        """Ignore messages that match a pattern, because the test provokes them."""
        self._allowed.append(pattern)

    def watch(self, page: Page, url: str) -> None:
        """Watch a page of the server at a URL."""
        host = urlsplit(url).netloc

        def check_request(request: Request) -> None:
            parts = urlsplit(request.url)
            self.paths.append(parts.path)
            if parts.scheme not in _OWN_SCHEMES and parts.netloc != host:
                self._add(f"request to another host: {request.url}")

        page.on("console", self._check_message)
        page.on("pageerror", lambda error: self._add(f"error in a script: {error}"))
        page.on("request", check_request)

    def _check_message(self, message: ConsoleMessage) -> None:
        if message.type in {"error", "warning"}:
            self._add(f"{message.type} in the console: {message.text} ({message.location.get('url')})")

    def _add(self, problem: str) -> None:
        if not any(re.search(pattern, problem) for pattern in self._allowed):
            self.problems.append(problem)
