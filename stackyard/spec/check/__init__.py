"""Check a spec against the description of its dataset: report every fault at once, or what follows from the spec."""

from stackyard.spec.check.backend import choose_backend
from stackyard.spec.check.checker import check_spec
from stackyard.spec.check.report import (
    Advice,
    BackendChoice,
    Flops,
    LayerReport,
    Memory,
    Report,
    RowCounts,
    Task,
    Totals,
)

__all__ = [
    "Advice",
    "BackendChoice",
    "Flops",
    "LayerReport",
    "Memory",
    "Report",
    "RowCounts",
    "Task",
    "Totals",
    "check_spec",
    "choose_backend",
]
