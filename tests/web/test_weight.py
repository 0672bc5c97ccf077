"""What each view of the page makes a browser load."""

import gzip

import pytest

from tests.web.module_graph import WEB, collect_modules, list_document_files, list_view_modules

MAX_FIRST_VIEW_BYTES = 150_000
EDITOR = (WEB / "vendor" / "editor.js").resolve()


def collect_view_files(view):
    """Return all files that a browser loads for a view."""
    document_files = list_document_files()
    modules = [path for path in document_files if path.suffix == ".js"]
    return {WEB / "index.html", *document_files, *collect_modules([*modules, list_view_modules()[view]])}


def compute_weight(files):
    return sum(len(gzip.compress(file.read_bytes(), 9)) for file in files)


def test_the_imports_of_all_modules_exist():
    modules = collect_modules([WEB / "app.js", *list_view_modules().values()])
    assert len(modules) > 15
    assert [path for path in modules if not path.is_file()] == []


@pytest.mark.parametrize("view", sorted(list_view_modules()))
def test_a_view_is_light(view):
    files = collect_view_files(view)
    assert compute_weight(files) < MAX_FIRST_VIEW_BYTES


def test_the_editor_loads_with_its_view_only():
    loaders = {
        view for view, module in list_view_modules().items() if EDITOR in collect_modules([module], with_lazy=True)
    }
    assert loaders == {"new_job_page"}


def test_every_module_belongs_to_a_view():
    """A module that no view loads is left over."""
    loaded = collect_modules([WEB / "app.js"], with_lazy=True)
    sources = {path.resolve() for path in WEB.rglob("*.js") if "vendor" not in path.relative_to(WEB).parts}
    type_modules = {path for path in sources if path.read_text().rstrip().endswith("export {};")}
    assert sources - loaded - type_modules == set()
