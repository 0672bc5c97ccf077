"""Prepare a spec's data, and compare its shapes with those of the check's report."""

import json

import numpy as np

from service.datasets.builtins import load_builtins
from stackyard.spec import TableDescription, check_spec, parse_spec
from tests.factories import iris_spec
from worker.preparation import prepare_data

MEMORY = 2**30
BUILTINS = {entry.name: TableDescription.model_validate(entry.description) for entry in load_builtins()}


def build_spec(data, outputs=1, loss="mse", **more):
    """Build a spec with this `data` section."""
    layers = [{"type": "Flatten"}, {"type": "Dense", "units": outputs}]
    training = {"loss": loss, "metrics": [], "seed": 0, **more}
    return parse_spec(json.dumps(iris_spec(data=data, network={"layers": layers}, training=training)).encode())


def prepare_and_check(spec, description, source):
    """Prepare the data, and assert the shapes that the check reports."""
    report = check_spec(spec, description)
    prepared = prepare_data(spec, description, source, report.task)
    assert prepared.x_train.shape[1:] == report.input_shape
    assert prepared.x_train.dtype == np.float32
    for rows, x, y in (
        (report.rows.train, prepared.x_train, prepared.y_train),
        (report.rows.validation, prepared.x_validation, prepared.y_validation),
        (report.rows.test, prepared.x_test, prepared.y_test),
    ):
        assert (0 if x is None else len(x)) == (0 if y is None else len(y))
        assert rows is None or rows == (0 if x is None else len(x))
    return prepared
