"""Routes of the page: one HTML document under every address of the page, and its scripts and styles."""

import re
from pathlib import Path

from fastapi import FastAPI
from starlette.middleware.gzip import GZipMiddleware
from starlette.requests import Request
from starlette.responses import Response
from starlette.staticfiles import StaticFiles
from starlette.types import Scope

from api.http.security_headers import SECURITY_HEADERS

_WEB_DIR = Path(__file__).parents[2] / "web"
PAGE_PATHS = (
    "/",
    "/jobs",
    "/jobs/{id}",
    "/compare",
    "/new",
    "/sweeps",
    "/sweeps/new",
    "/sweeps/{id}",
    "/datasets",
    "/datasets/{id}",
    "/workers",
    "/account",
    "/projects",
    "/users",
    "/usage",
    "/audit",
    "/login",
)
"""The addresses of the views in `web/views.js`. A link to one of them also works when the browser reloads it."""
ASSETS_PATH = "/assets"
_OPEN_PATH = re.compile("|".join(re.sub(r"\{id\}", "[^/]+", path) for path in (*PAGE_PATHS, f"{ASSETS_PATH}/.*")))
_ASSET_SUFFIXES = frozenset({".css", ".js", ".svg"})
_POLICY = "; ".join(
    [
        SECURITY_HEADERS["Content-Security-Policy"].replace("form-action 'none'", "form-action 'self'"),
        "script-src 'self'",
        "style-src 'self'",
        "img-src 'self' data: blob:",
        "connect-src 'self'",
    ]
)


class _Assets(StaticFiles):
    """The scripts, styles and pictures of the page. Browsers ask before each use whether a file has changed."""

    async def get_response(self, path: str, scope: Scope) -> Response:
        """Return the file; 404 for files of other types, which only developers need."""
        if Path(path).suffix not in _ASSET_SUFFIXES:
            return Response(status_code=404)
        response = await super().get_response(path, scope)
        response.headers["Cache-Control"] = "no-cache"
        return response


def is_page_path(path: str) -> bool:
    """Return whether a path is an address of the page, or one of its scripts, styles and pictures."""
    return _OPEN_PATH.fullmatch(path) is not None


def install_page(app: FastAPI) -> None:
    """Add the page and its files. They hold no data and need no login; the data comes from the API."""
    files = StaticFiles(directory=_WEB_DIR)

    async def show_page(request: Request) -> Response:
        response = await files.get_response("index.html", request.scope)
        response.headers.update({"Content-Security-Policy": _POLICY, "Cache-Control": "no-cache"})
        return response

    for path in PAGE_PATHS:
        app.add_api_route(path, show_page, methods=["GET", "HEAD"], include_in_schema=False)
    app.mount(ASSETS_PATH, GZipMiddleware(_Assets(directory=_WEB_DIR), minimum_size=500))
