"""Write every generated page, or check that each is up to date (`--check`)."""

import sys
from pathlib import Path

from docs.generators.pages import PAGES, list_stale_pages

DOCS = Path(__file__).parents[1]


def main() -> int:
    """Write the pages; with `--check`, only list those that are out of date."""
    if "--check" in sys.argv[1:]:
        stale = list_stale_pages(DOCS)
        for name in stale:
            sys.stderr.write(f"docs/{name} is out of date: run `make docs`\n")
        return int(bool(stale))
    for name, build_page in PAGES.items():
        (DOCS / name).write_text(build_page(), encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())
