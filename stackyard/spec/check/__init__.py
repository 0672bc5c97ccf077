"""A spec against the dataset that it names: every fault at once, or what will be."""

from stackyard.spec.check.checker import check
from stackyard.spec.check.report import Advice, Flops, LayerReport, Memory, Report, Rows, Task, Totals

__all__ = ["Advice", "Flops", "LayerReport", "Memory", "Report", "Rows", "Task", "Totals", "check"]
