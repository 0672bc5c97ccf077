"""A spec against the dataset that it names: every fault at once, or what will be."""

from stackyard.spec.check.door import check
from stackyard.spec.check.report import LayerReport, Memory, Report, Rows, Totals

__all__ = ["LayerReport", "Memory", "Report", "Rows", "Totals", "check"]
