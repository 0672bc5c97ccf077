"""Requests to a server and its answers; what goes wrong with either is an error of this package."""

import hashlib
import ipaddress
import re
from collections.abc import Generator, Iterator, Mapping
from contextlib import contextmanager
from typing import BinaryIO, TypeVar, cast

import httpx2
from pydantic import ValidationError

from stackyard.client.errors import BadAnswerError, ConnectionFailedError, ProblemError
from stackyard.client.views import Json, Problem, View

CHUNK = 2**20
_SHA256 = re.compile(r'(?:W/)?"(?:sha256[-:/])?([0-9a-f]{64})"')

V = TypeVar("V", bound=View)

Query = Mapping[str, str | int | None]
"""What goes into a query: nothing of what is None."""


class Transport:
    """The connections to one server.

    Whatever asks it may raise `ConnectionFailedError`, `ProblemError` or `BadAnswerError`.

    Args:
        url: where the server is, without a slash at its end.
        token: what the server's STACKYARD_TOKEN is, if it has one.
        timeout: seconds to wait for the network at each step.

    """

    def __init__(self, url: str, token: str | None, timeout: float) -> None:
        self._url = url
        self._http = httpx2.Client(
            base_url=url,
            headers={"Authorization": f"Bearer {token}"} if token else {},
            timeout=timeout,
            trust_env=not _is_local(url),  # a proxy from the environment cannot reach this machine
        )

    def close(self) -> None:
        """Close the connections."""
        self._http.close()

    def call(
        self,
        method: str,
        route: str,
        *,
        query: Query | None = None,
        headers: Mapping[str, str] | None = None,
        content: Iterator[bytes] | None = None,
        media_type: str | None = None,
        body: str | None = None,
    ) -> httpx2.Response:
        """Send a request, and return the answer, which is no refusal.

        Args:
            method: of HTTP.
            route: from the server's root.
            query: what follows the route.
            headers: beside those that are sent anyway.
            content: what is uploaded, in pieces, of the `media_type`.
            media_type: what that is.
            body: a JSON document, instead of content.

        """
        headers = dict(headers or {})
        if media_type or body is not None:
            headers["Content-Type"] = media_type or "application/json"
        with self._speaking():
            answer = self._http.request(
                method,
                route,
                params=_present(query or {}),
                headers=headers,
                content=body if content is None else content,
            )
        _raise_for_problem(answer)
        return answer

    def pages(self, view: type[V], route: str, query: Query) -> Iterator[V]:
        """Every item of a list, fetched a page at a time."""
        query = dict(query)
        while True:
            page = read_json(self.call("GET", route, query=query))
            yield from (_parse(view, item) for item in page.get("items", []))
            if not page.get("next"):
                return
            query["cursor"] = page["next"]

    def receive(self, route: str, file: BinaryIO) -> None:
        """Download into a file.

        Raises:
            BadAnswerError: what arrived has another SHA-256 than the one that the server announced.

        """
        digest = hashlib.sha256()
        with self._speaking(), self._http.stream("GET", route) as answer:
            _raise_for_problem(answer)
            for chunk in answer.iter_bytes(CHUNK):
                digest.update(chunk)
                file.write(chunk)
            expected = _SHA256.fullmatch(answer.headers.get("ETag", ""))
        if expected and expected[1] != digest.hexdigest():
            raise BadAnswerError(f"{self._url}{route} arrived damaged: its SHA-256 is not the announced one.")

    def lines(self, route: str, headers: Mapping[str, str]) -> Iterator[str]:
        """The lines of a text, as they arrive; none where the server has nothing to say."""
        with self._speaking(), self._http.stream("GET", route, headers=dict(headers)) as answer:
            _raise_for_problem(answer)
            yield from answer.iter_lines()

    @contextmanager
    def _speaking(self) -> Generator[None]:
        try:
            yield
        except httpx2.TransportError as error:
            raise ConnectionFailedError(self._url, str(error) or type(error).__name__) from error
        except (httpx2.RequestError, httpx2.InvalidURL) as error:
            raise BadAnswerError(f"{self._url}: {error}") from error


def _raise_for_problem(answer: httpx2.Response) -> None:
    if answer.is_success:
        return
    answer.read()
    try:
        problem = Problem.model_validate(
            {"status": answer.status_code, "title": answer.reason_phrase, **answer.json()}
        )
    except (ValueError, TypeError):
        raise BadAnswerError(
            f"{answer.url} answered {answer.status_code} {answer.reason_phrase}, and not as Stackyard does."
        ) from None
    raise ProblemError(problem)


def read(view: type[V], answer: httpx2.Response) -> V:
    """Return an answer as a view.

    Raises:
        BadAnswerError: it is none of that kind.

    """
    return _parse(view, read_json(answer))


def _parse(view: type[V], document: Json) -> V:
    try:
        return view.model_validate(document)
    except ValidationError as error:
        raise BadAnswerError(f"Expected a {view.__name__.lower()}; {error}") from error


def read_json(answer: httpx2.Response) -> Json:
    """Return the JSON object that an answer is.

    Raises:
        BadAnswerError: it is none.

    """
    try:
        document = answer.json()
    except ValueError:
        document = None
    if not isinstance(document, dict):
        raise BadAnswerError(f"{answer.url} answered with something other than a JSON object.")
    return cast("Json", document)


def _present(query: Query) -> dict[str, str | int]:
    return {name: value for name, value in query.items() if value is not None}


def _is_local(url: str) -> bool:
    host = httpx2.URL(url).host
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"
