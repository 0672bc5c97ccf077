"""The HTTP transport: requests and answers, with every failure raised as an error of this package."""

import hashlib
import ipaddress
import re
from collections.abc import Generator, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import BinaryIO, TypeVar, cast

import httpx2
from pydantic import ValidationError

from stackyard.client.errors import BadAnswerError, ConnectionFailedError, ProblemError
from stackyard.client.request_encoding import CHUNK_BYTES
from stackyard.client.views import Json, ProblemDocument, View

_SHA256 = re.compile(r'(?:W/)?"(?:sha256[-:/])?([0-9a-f]{64})"')

_PROJECT_HEADER = "X-Stackyard-Project"

ViewType = TypeVar("ViewType", bound=View)

Query = Mapping[str, str | int | Sequence[str] | None]
"""Query parameters; those that are None are left out, and a list is repeated."""


class Transport:
    """The connections to one server.

    Every request may raise `ConnectionFailedError`, `ProblemError` or `BadAnswerError`.

    Args:
        url: the server's URL, without a slash at the end.
        token: the token of a user or of the server; None without one.
        timeout: seconds to wait for each network operation.
        project: the id or the name of the project to work in; None for the first one that the token gives access to.

    """

    def __init__(self, url: str, token: str | None, timeout: float, project: str | None = None) -> None:
        self._url = url
        headers = {"Authorization": f"Bearer {token}" if token else "", _PROJECT_HEADER: project or ""}
        self._http = httpx2.Client(
            base_url=url,
            headers={name: value for name, value in headers.items() if value},
            timeout=timeout,
            trust_env=not _is_local_url(url),  # a proxy from the environment cannot reach this machine
        )

    def close(self) -> None:
        """Close the connections."""
        self._http.close()

    def send_request(
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
        """Send a request, and return the successful answer.

        Args:
            method: the HTTP method.
            route: the path from the server's root.
            query: the query parameters.
            headers: headers on top of those that every request has.
            content: the bytes to upload, in chunks.
            media_type: the media type of `content`.
            body: a JSON document, instead of `content`.

        """
        headers = dict(headers or {})
        if media_type or body is not None:
            headers["Content-Type"] = media_type or "application/json"
        with self._translate_errors():
            answer = self._http.request(
                method,
                route,
                params=_drop_none(query or {}),
                headers=headers,
                content=body if content is None else content,
            )
        _raise_for_problem(answer)
        return answer

    def iterate_items(self, view: type[ViewType], route: str, query: Query) -> Iterator[ViewType]:
        """Yield every item of a list, which is fetched page by page."""
        query = dict(query)
        while True:
            page = parse_json_object(self.send_request("GET", route, query=query))
            yield from (_validate_view(view, item) for item in page.get("items", []))
            if not page.get("next"):
                return
            query["cursor"] = page["next"]

    def download_file(self, route: str, file: BinaryIO) -> None:
        """Download into a file.

        Raises:
            BadAnswerError: the bytes that arrived do not have the SHA-256 that the server announced.

        """
        digest = hashlib.sha256()
        with self._translate_errors(), self._http.stream("GET", route) as answer:
            _raise_for_problem(answer)
            for chunk in answer.iter_bytes(CHUNK_BYTES):
                digest.update(chunk)
                file.write(chunk)
            expected = _SHA256.fullmatch(answer.headers.get("ETag", ""))
        if expected and expected[1] != digest.hexdigest():
            raise BadAnswerError(f"{self._url}{route} arrived damaged: its SHA-256 differs from the announced one.")

    def stream_lines(self, route: str, headers: Mapping[str, str]) -> Iterator[str]:
        """Yield the lines of a text as they arrive; none if the answer is empty."""
        with self._translate_errors(), self._http.stream("GET", route, headers=dict(headers)) as answer:
            _raise_for_problem(answer)
            yield from answer.iter_lines()

    @contextmanager
    def _translate_errors(self) -> Generator[None]:
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
        problem = ProblemDocument.model_validate(
            {"status": answer.status_code, "title": answer.reason_phrase, **answer.json()}
        )
    except (ValueError, TypeError):
        raise BadAnswerError(
            f"{answer.url} answered {answer.status_code} {answer.reason_phrase}, which is not an answer of Stackyard."
        ) from None
    raise ProblemError(problem)


def parse_view(view: type[ViewType], answer: httpx2.Response) -> ViewType:
    """Parse an answer as a view.

    Raises:
        BadAnswerError: the answer is not a JSON object, or the view's fields are missing or invalid.

    """
    return _validate_view(view, parse_json_object(answer))


def _validate_view(view: type[ViewType], document: Json) -> ViewType:
    try:
        return view.model_validate(document)
    except ValidationError as error:
        raise BadAnswerError(f"Expected a {view.__name__.lower()}; {error}") from error


def parse_json_object(answer: httpx2.Response) -> Json:
    """Parse an answer as a JSON object.

    Raises:
        BadAnswerError: the answer is something else.

    """
    try:
        document = answer.json()
    except ValueError:
        document = None
    if not isinstance(document, dict):
        raise BadAnswerError(f"{answer.url} answered with something other than a JSON object.")
    return cast("Json", document)


def _drop_none(query: Query) -> dict[str, str | int | Sequence[str]]:
    return {name: value for name, value in query.items() if value is not None}


def _is_local_url(url: str) -> bool:
    host = httpx2.URL(url).host
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"
