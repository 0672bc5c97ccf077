"""The documentation page: Swagger UI from the package `fastapi_swagger`, with relative addresses only."""

import base64
import hashlib
import re

from fastapi import FastAPI
from fastapi.openapi.docs import get_swagger_ui_html
from starlette.requests import Request
from starlette.responses import Response
from starlette.staticfiles import StaticFiles

from api.http.security_headers import SECURITY_HEADERS

_PARAMETERS = {"tryItOutEnabled": True, "filter": True, "displayRequestDuration": True, "deepLinking": True}
"""Without `persistAuthorization`, the page stores no token."""


def install_documentation(app: FastAPI) -> None:
    """Add `/docs`, and its files under `/swagger`.

    FastAPI's own page loads its files from another host.
    """
    page = get_swagger_ui_html(
        openapi_url="openapi.json",
        title=f"{app.title} - Swagger UI",
        swagger_js_url="swagger/swagger-ui-bundle.js",
        swagger_css_url="swagger/swagger-ui.css",
        swagger_favicon_url="swagger/favicon-32x32.png",
        swagger_ui_parameters=_PARAMETERS,
    )
    page.headers["Content-Security-Policy"] = _build_policy(bytes(page.body).decode())

    async def show_page(_request: Request) -> Response:
        return page

    app.add_route("/docs", show_page, include_in_schema=False)
    app.mount("/swagger", StaticFiles(packages=[("fastapi_swagger", "resources")]))


def _build_policy(page: str) -> str:
    """Return the policy of the page: its own files, and the inline script that starts it, by its digest."""
    scripts = re.findall(r"<script>(.*?)</script>", page, re.DOTALL)
    digests = [base64.b64encode(hashlib.sha256(script.encode()).digest()).decode() for script in scripts]
    sources = " ".join(["'self'", *(f"'sha256-{digest}'" for digest in digests)])
    return "; ".join(
        [
            SECURITY_HEADERS["Content-Security-Policy"],
            f"script-src {sources}",
            "style-src 'self' 'unsafe-inline'",
            "img-src 'self' data: blob:",  # the page shows charts from memory
            "connect-src 'self'",
        ]
    )
