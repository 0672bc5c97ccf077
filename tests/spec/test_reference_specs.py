"""The seven experiments that the service must reproduce."""

import pytest

from stackyard.spec import check, parse
from tests.conftest import shared
from tests.spec.documents import DATASETS
from tests.work import lines

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
def test_it_is_found_right(name):
    spec = parse(shared(f"specs/{name}.json").read_bytes())
    report = check(spec, DATASETS[spec.data.dataset])
    rows = (report.rows.train, report.rows.validation, report.rows.test)
    found = (report.input_shape, report.output_shape, report.totals.parameters, rows, report.steps_per_epoch)
    assert found == EXPECTED[name]
    assert report.spec == spec


@pytest.mark.parametrize("name", EXPECTED)
def test_it_costs_as_little_as_its_text_is_short(name):
    """3,000 to 5,000 lines, whatever the rows of its data, its units and its epochs."""
    document = shared(f"specs/{name}.json").read_bytes()
    parse(document)

    def read():
        spec = parse(document)
        check(spec, DATASETS[spec.data.dataset])

    assert lines(read) < 15_000
