"""The seven experiments that the service must reproduce."""

import time

import pytest

from stackyard.spec import check, parse
from tests.conftest import shared
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
def test_it_is_found_right_within_20_ms(name):
    document = shared(f"specs/{name}.json").read_bytes()
    times = []
    for _ in range(5):
        begin = time.perf_counter()
        spec = parse(document)
        report = check(spec, DATASETS[spec.data.dataset])
        times.append(time.perf_counter() - begin)
    rows = (report.rows.train, report.rows.validation, report.rows.test)
    found = (report.input_shape, report.output_shape, report.totals.parameters, rows, report.steps_per_epoch)
    assert found == EXPECTED[name]
    assert report.spec == spec
    assert min(times) < 0.02
