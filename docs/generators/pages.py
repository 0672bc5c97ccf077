"""The generated pages: where each lies below `docs/`, and the function that builds its text."""

from collections.abc import Callable, Mapping
from pathlib import Path

from docs.generators.benchmark_pages import build_benchmarks_page, build_experiments_page
from docs.generators.chaos_page import build_chaos_page
from docs.generators.cli_page import build_cli_page
from docs.generators.error_page import build_error_page
from docs.generators.http_page import build_http_page
from docs.generators.settings_page import build_settings_page
from docs.generators.spec_page import build_spec_page

PAGES: Mapping[str, Callable[[], str]] = {
    "reference/spec.md": build_spec_page,
    "reference/settings.md": build_settings_page,
    "reference/http-api.md": build_http_page,
    "reference/cli.md": build_cli_page,
    "reference/errors.md": build_error_page,
    "results/benchmarks.md": build_benchmarks_page,
    "results/experiments.md": build_experiments_page,
    "results/chaos.md": build_chaos_page,
}


def list_stale_pages(docs: Path) -> list[str]:
    """Return the pages whose file below `docs` is missing or differs from the text that its function builds."""
    return [name for name, build_page in PAGES.items() if _read_page(docs / name) != build_page()]


def _read_page(path: Path) -> str:
    return path.read_text(encoding="utf-8") if path.exists() else ""
