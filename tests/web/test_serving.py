"""The page's document and files as the API serves them."""

import re
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
from fastapi.testclient import TestClient
from pydantic import SecretStr

from api.app import create_app
from api.page.routes import PAGE_PATHS
from service.settings import Settings
from tests.conftest import LOCAL_URL

WEB = Path(__file__).parents[2] / "web"
ADDRESSES = [path.format(id="018f0000-0000-7000-8000-000000000000") for path in PAGE_PATHS]


@pytest.fixture(scope="module")
def client(sqlite_template, tmp_path_factory) -> Iterator[TestClient]:
    """One client for all tests here, which change nothing."""
    directory = tmp_path_factory.mktemp("page")
    shutil.copy(sqlite_template, directory)
    with TestClient(create_app(Settings(data_dir=directory)), LOCAL_URL) as client:
        yield client


@pytest.mark.parametrize("path", ADDRESSES)
def test_every_address_of_the_page_can_be_reloaded(client, path):
    response = client.get(f"{path}?a=b", headers={"Accept": "text/html"})
    assert response.status_code == 200
    assert response.headers["Content-Type"] == "text/html; charset=utf-8"
    assert response.text == (WEB / "index.html").read_text()


def test_every_view_has_an_address_that_the_api_serves():
    patterns = re.findall(r"pattern: /\^(.*?)\$/", (WEB / "views.js").read_text())
    patterns = [pattern.replace("\\/", "/").replace("(?<", "(?P<") for pattern in patterns]
    for address in ADDRESSES:
        assert [pattern for pattern in patterns if re.fullmatch(pattern, address)], address
    assert all(any(re.fullmatch(pattern, address) for address in ADDRESSES) for pattern in patterns)


def test_the_policy_allows_only_the_own_files(client):
    policy = dict(rule.split(" ", 1) for rule in client.get("/").headers["Content-Security-Policy"].split("; "))
    assert policy["default-src"] == policy["frame-ancestors"] == policy["base-uri"] == "'none'"
    assert policy["script-src"] == policy["style-src"] == policy["connect-src"] == "'self'"
    assert not re.search("unsafe|https?:|[*]", " ".join(policy.values()))


def test_the_document_has_no_inline_script_or_style_and_no_other_host():
    document = (WEB / "index.html").read_text()
    assert not re.search(r"<script(?![^>]*\bsrc=)|<style|\bstyle=|\bon[a-z]+=|//", document, re.IGNORECASE)


def test_files_are_compressed(client):
    response = client.get("/assets/vendor/ui.js", headers={"Accept-Encoding": "gzip"})
    assert response.headers["Content-Encoding"] == "gzip"
    assert response.headers["Content-Type"].startswith("text/javascript")
    assert response.content == (WEB / "vendor" / "ui.js").read_bytes()


@pytest.mark.parametrize("path", ["/assets/vendor/ui.js", "/assets/styles/base.css", "/assets/icon.svg", "/jobs"])
def test_an_unchanged_file_is_not_sent_again(client, path):
    first = client.get(path)
    assert first.headers["Cache-Control"] == "no-cache"
    again = client.get(path, headers={"If-None-Match": first.headers["ETag"]})
    assert (again.status_code, again.content) == (304, b"")


@pytest.mark.parametrize(
    "path",
    [
        "tsconfig.json",
        "index.html",
        "vendor/package.json",
        "vendor/package-lock.json",
        "vendor/vendor.json",
        "vendor/build.mjs",
        "vendor/ui.d.ts",
        "vendor/LICENSES.txt",
        "vendor/.npmrc",
        "vendor",
        "",
        "nowhere.js",
        "../api/app.py",
        "%2e%2e/api/app.py",
        "..%2f..%2fetc%2fpasswd",
        "..%2fdocs%2fx.css",
        "%00.js",
        "vendor/../../README.md",
        "/etc/passwd.js",
    ],
)
def test_no_other_file_is_served(client, path):
    assert client.get(f"/assets/{path}").status_code == 404


def test_a_file_outside_the_directory_is_not_served(client, tmp_path):
    (tmp_path / "secret.js").write_text("secret")
    path = "/".join([".."] * 20) + str(tmp_path / "secret.js")
    for spelling in (path, path.replace("/", "%2f"), path.replace(".", "%2e", 40)):
        assert client.get(f"/assets/{spelling}").status_code == 404


def test_the_page_needs_no_login_and_the_data_does(settings, make_client):
    client = make_client(settings.model_copy(update={"token": SecretStr("s3cret")}))
    for path in [*ADDRESSES, "/assets/app.js", "/assets/icon.svg", "/healthz", "/v1/session"]:
        assert client.get(path, follow_redirects=False).status_code == 200, path
    for path in ("/v1/jobs", "/jobsx", "/jobs/a/b", "/assetsx/app.js", "/docs", "/swagger/swagger-ui.css", "/readyz"):
        assert client.get(path, follow_redirects=False).status_code == 401, path
