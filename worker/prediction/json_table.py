"""Rows of a table that come as JSON objects."""

from collections.abc import Mapping, Sequence
from typing import cast

from stackyard.spec.reading.faults import say
from stackyard.spec.tagged_union import suggest
from worker.prediction.columns import ABSENT, Feature
from worker.prediction.row_faults import Findings
from worker.prediction.table import Table


def read(rows: Sequence[object], features: Sequence[Feature]) -> Table:
    """The values of each feature. Other columns may be there and are not looked at.

    Args:
        rows: as JSON has them.
        features: the columns that are needed.

    Raises:
        Refused: with everything that is wrong.

    """
    findings = Findings()
    for place, row in enumerate(rows):
        if not isinstance(row, dict):
            findings.at_row(f"expected an object with a value for each column, received {say(row)}", place)
    findings.refuse()
    objects = cast("Sequence[Mapping[str, object]]", rows)
    names = {feature.name for feature in features}
    values = {one.name: one.read(_values(objects, one.name, names, findings), findings) for one in features}
    findings.refuse()
    return Table(values)


def _values(
    rows: Sequence[Mapping[str, object]], name: str, features: set[str], findings: Findings
) -> Sequence[object]:
    values = [row.get(name, ABSENT) for row in rows]
    lacking = [place for place, value in enumerate(values) if value is ABSENT]
    if lacking:
        near = suggest(name, rows[lacking[0]].keys() - features)
        for place in lacking:
            findings.at_row(f"expected a value for {say(name)}, received none", place, fix=near)
    return values
