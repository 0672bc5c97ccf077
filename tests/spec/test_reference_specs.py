"""The specs of the seven reference experiments."""

import pytest

from stackyard.spec import check_spec, parse_spec
from tests.conftest import require_shared_file
from tests.line_counting import count_executed_lines
from tests.spec.documents import DATASETS

EXPECTED = {
    "concrete-batchnorm": ((8,), (1,), 536_609, (721, 309, 0), 12),
    "concrete-plain": ((8,), (1,), 530_433, (721, 309, 0), 12),
    "iris-batchnorm": ((4,), (3,), 39_555, (90, 30, 30), 3),
    "mnist-dropout": ((28, 28), (10,), 118_282, (54_000, 6_000, 10_000), 1688),
    "mnist-plain": ((28, 28), (10,), 118_282, (54_000, 6_000, 10_000), 1688),
    "red-wine": ((11,), (1,), 2_124_801, (1119, 480, 0), 5),
    "spotify": ((18,), (1,), 10_753, (None, None, 0), None),
}


@pytest.mark.parametrize("name", EXPECTED)
def test_the_report_on_a_reference_spec(name):
    spec = parse_spec(require_shared_file(f"specs/{name}.json").read_bytes())
    report = check_spec(spec, DATASETS[spec.data.dataset])
    rows = (report.rows.train, report.rows.validation, report.rows.test)
    shapes = (report.input_shape, report.output_shape)
    assert (*shapes, report.totals.parameters, rows, report.steps_per_epoch) == EXPECTED[name]
    assert report.spec == spec


@pytest.mark.parametrize("name", EXPECTED)
def test_the_cost_of_a_check_does_not_depend_on_rows_units_and_epochs(name):
    """The number of executed lines is a cost that does not depend on the machine."""
    document = require_shared_file(f"specs/{name}.json").read_bytes()
    parse_spec(document)

    def parse_and_check():
        spec = parse_spec(document)
        check_spec(spec, DATASETS[spec.data.dataset])

    assert count_executed_lines(parse_and_check) < 15_000
