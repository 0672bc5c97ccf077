"""The modules that the page loads: those that a document or a module imports, directly or through others."""

import re
from collections.abc import Iterable
from pathlib import Path

WEB = Path(__file__).parents[2] / "web"
_STATIC_IMPORT = re.compile(r"""(?:^|[;}\n])\s*(?:import|export)\b[^"'();]*?["'](\.[^"']+\.js)["']""")
_LAZY_IMPORT = re.compile(r"""\bimport\(["'](\.[^"']+\.js)["']\)(?!\.[A-Z])""")
"""An import that loads a module later; in a comment, a name of a type follows it."""
_VIEW = re.compile(r"import\([\"'](\./pages/[^\"']+)[\"']\)")


def list_imports(module: Path, *, with_lazy: bool = False) -> list[Path]:
    """Return the modules that a module imports before it runs or, with `with_lazy`, later. Bundles import none."""
    if module.parent.name == "vendor":
        return []
    text = module.read_text()
    names = _STATIC_IMPORT.findall(text) + (_LAZY_IMPORT.findall(text) if with_lazy else [])
    return [(module.parent / name).resolve() for name in names]


def collect_modules(roots: Iterable[Path], *, with_lazy: bool = False) -> set[Path]:
    """Return modules and all that they import; with `with_lazy`, also those that they may load later."""
    modules: set[Path] = set()
    waiting = list(roots)
    while waiting:
        module = waiting.pop()
        if module not in modules:
            modules.add(module)
            waiting += list_imports(module, with_lazy=with_lazy)
    return modules


def list_view_modules() -> dict[str, Path]:
    """Return the module of each view by the name of its file."""
    paths = [(WEB / name).resolve() for name in _VIEW.findall((WEB / "views.js").read_text())]
    return {path.stem: path for path in paths}


def list_document_files() -> list[Path]:
    """Return the files that the document names."""
    names = re.findall(r'(?:href|src)="/assets/([^"]+)"', (WEB / "index.html").read_text())
    return [(WEB / name).resolve() for name in names]
