"""Measure how readable the code is, and fail where it misses a limit: `python -m tools.house`.

The limits are what a review of well-kept projects suggests. Each figure has one row in the printed table.
"""

import ast
import re
import subprocess
import sys
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from graphlib import CycleError, TopologicalSorter
from pathlib import Path
from statistics import median, quantiles

ROOT = Path(__file__).parents[1]
PACKAGES = ("api", "migrations", "models", "service", "stackyard", "tools", "worker")
VAGUE_PRONOUNS = re.compile(r"\b(?:any|no|some)body\b|\bwho(?:ever)\b", re.IGNORECASE)
TEXT_SUFFIXES = frozenset(
    {".cfg", ".css", ".html", ".ini", ".js", ".mako", ".md", ".py", ".toml", ".yaml", ".yml", ""}
)

FunctionNode = ast.FunctionDef | ast.AsyncFunctionDef


@dataclass(frozen=True)
class Measure:
    """One row of the table; `is_met` says whether the value keeps its limit."""

    name: str
    value: str
    limit: str
    is_met: bool


def list_tracked_files(root: Path) -> list[Path]:
    """Return the files that git tracks or would track, without ignored ones."""
    command = ["git", "ls-files", "--cached", "--others", "--exclude-standard", "-z"]
    listing = subprocess.run(command, cwd=root, capture_output=True, text=True, check=True).stdout  # noqa: S603  # a fixed command
    return sorted(root / name for name in set(listing.split("\0")) if name and (root / name).is_file())


def parse_modules(root: Path, files: Sequence[Path]) -> dict[str, ast.Module]:
    """Return the syntax tree of each module of our packages, by dotted name."""
    modules: dict[str, ast.Module] = {}
    for file in files:
        parts = file.relative_to(root).with_suffix("").parts
        if file.suffix == ".py" and parts[0] in PACKAGES and parts[:2] != ("migrations", "versions"):
            name = ".".join(parts[:-1] if parts[-1] == "__init__" else parts)
            modules[name] = ast.parse(file.read_text(encoding="utf-8"))
    return modules


def list_functions(modules: Mapping[str, ast.Module]) -> list[FunctionNode]:
    """Return every function and method, nested ones included, without those that Python itself names."""
    nodes = (node for module in modules.values() for node in ast.walk(module) if isinstance(node, FunctionNode))
    return [node for node in nodes if not (node.name.startswith("__") and node.name.endswith("__"))]


def measure_function_names(functions: Sequence[FunctionNode]) -> Measure:
    """Measure the share of function names that are a single word."""
    share = sum("_" not in node.name.strip("_") for node in functions) / len(functions)
    return Measure("function names of one word", f"{share:.0%}", "at most 40%", share <= 0.40)  # noqa: PLR2004  # the limit


def measure_function_lengths(functions: Sequence[FunctionNode]) -> Measure:
    """Measure the median and the 90th percentile of the lines of a function."""
    lengths = [(node.end_lineno or node.lineno) - node.lineno + 1 for node in functions]
    middle, long = median(lengths), quantiles(lengths, n=10)[-1]
    is_met = middle <= 8 and long <= 20  # noqa: PLR2004  # the limits
    return Measure("lines of a function, median / p90", f"{middle:g} / {long:g}", "at most 8 / 20", is_met)


def measure_return_annotations(functions: Sequence[FunctionNode]) -> Measure:
    """Measure the share of functions with a return annotation."""
    share = sum(node.returns is not None for node in functions) / len(functions)
    return Measure("functions with a return annotation", f"{share:.1%}", "100%", share == 1)


def measure_package_sizes(modules: Mapping[str, ast.Module]) -> Measure:
    """Measure the largest number of modules side by side in one package; `__init__` counts as one of them."""
    packages = {name.rpartition(".")[0] for name in modules} - {""}
    siblings = Counter(name.rpartition(".")[0] for name in modules if name not in packages)
    largest, count = max(((name, siblings[name] + 1) for name in packages), key=lambda item: item[1])
    return Measure("modules in the largest package", f"{count} ({largest})", "at most 16", count <= 16)  # noqa: PLR2004  # the limit


def measure_import_cycles(modules: Mapping[str, ast.Module]) -> Measure:
    """Look for a cycle of imports."""
    graph = {name: set(_list_imported_modules(tree, modules)) - {name} for name, tree in modules.items()}
    try:
        TopologicalSorter(graph).prepare()
    except CycleError as error:
        return Measure("import cycles", " -> ".join(error.args[1]), "none", is_met=False)
    return Measure("import cycles", "none", "none", is_met=True)


def measure_vague_pronouns(files: Sequence[Path], root: Path) -> Measure:
    """Look for lines that name an actor by an indefinite pronoun."""
    texts = (file for file in files if file.suffix in TEXT_SUFFIXES and file.name != "LICENSE")
    places = [
        f"{file.relative_to(root)}:{number}"
        for file in texts
        for number, line in enumerate(file.read_text(encoding="utf-8", errors="replace").splitlines(), start=1)
        if VAGUE_PRONOUNS.search(line)
    ]
    value = f"{len(places)} ({', '.join(places[:3])} …)" if places else "0"
    return Measure("lines with an indefinite pronoun for an actor", value, "0", not places)


def measure_house(root: Path = ROOT) -> list[Measure]:
    """Return every measure of the checkout at `root`."""
    files = list_tracked_files(root)
    modules = parse_modules(root, files)
    functions = list_functions(modules)
    return [
        measure_function_names(functions),
        measure_function_lengths(functions),
        measure_return_annotations(functions),
        measure_package_sizes(modules),
        measure_import_cycles(modules),
        measure_vague_pronouns(files, root),
    ]


def print_measures(measures: Sequence[Measure]) -> None:
    """Print the table, a failed row marked."""
    for measure in measures:
        mark = "ok  " if measure.is_met else "FAIL"
        print(f"{mark}  {measure.name:<46} {measure.value:<24} {measure.limit}")  # noqa: T201  # the command's output


def main() -> int:
    """Print the table; return 1 where a limit is missed."""
    measures = measure_house()
    print_measures(measures)
    return 0 if all(measure.is_met for measure in measures) else 1


def _list_imported_modules(tree: ast.Module, modules: Mapping[str, ast.Module]) -> Iterator[str]:
    """Yield those of `modules` that a module imports, wherever in it the import stands."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names if alias.name in modules)
        elif isinstance(node, ast.ImportFrom) and node.module:
            for alias in node.names:
                submodule = f"{node.module}.{alias.name}"
                imported = submodule if submodule in modules else node.module
                if imported in modules:
                    yield imported


if __name__ == "__main__":
    sys.exit(main())
