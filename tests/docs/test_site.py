"""The site builds without a network and without a warning, and none of its pages loads anything from elsewhere."""

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest
import yaml

ROOT = Path(__file__).parents[2]
EXTERNAL = re.compile(r'<(?:script|img|iframe)[^>]*src="?https?:|<link[^>]*rel="?(?:stylesheet|preload)[^>]*https?:')


@pytest.fixture(scope="module")
def site(tmp_path_factory):
    """Build the site; `--strict` fails at a link, an anchor or a page of the navigation that does not resolve."""
    directory = tmp_path_factory.mktemp("site")
    environment = os.environ | {"NO_MKDOCS_2_WARNING": "1"}
    command = [sys.executable, "-m", "mkdocs", "build", "--strict", "--quiet", "--site-dir", str(directory)]
    finished = subprocess.run(
        command, cwd=ROOT, env=environment, check=False, capture_output=True, text=True, timeout=120
    )
    assert finished.returncode == 0, finished.stderr
    assert finished.stderr == ""
    return directory


def test_every_page_is_built(site):
    pages = [path.relative_to(ROOT / "docs") for path in (ROOT / "docs").rglob("*.md")]
    assert len(pages) > 20
    assert [page for page in pages if not (site / page.with_suffix(".html")).exists()] == []


def test_no_generator_is_published(site):
    assert list(site.rglob("*.py")) == []


def test_no_page_loads_anything_from_elsewhere(site):
    assert [page.name for page in site.rglob("*.html") if EXTERNAL.search(page.read_text())] == []


def test_strict_covers_links_and_anchors():
    validation = yaml.safe_load((ROOT / "mkdocs.yml").read_text())["validation"]
    levels = [level for group in validation.values() for level in group.values()]
    assert set(levels) == {"warn"}
    assert {"not_found", "anchors"} <= validation["links"].keys()


def test_the_client_page_shows_every_method(site):
    text = (site / "reference" / "python-client.html").read_text()
    for name in ("submit", "wait", "events", "predict", "download_model", "sweep", "submit_many"):
        assert f'id="stackyard.client.Client.{name}"' in text
