"""What a spec prepares, held against what the check promised of it."""

import json

import numpy as np

from service.datasets.builtins import load
from stackyard.spec import TableDescription, check, parse
from tests.factories import iris_spec
from worker.preparation import prepare

MEMORY = 2**30
BUILTINS = {entry.name: TableDescription.model_validate(entry.description) for entry in load()}


def spec_of(data, outputs=1, loss="mse", **more):
    """A spec on `data` that `stackyard.spec.check` can be asked about."""
    layers = [{"type": "Flatten"}, {"type": "Dense", "units": outputs}]
    training = {"loss": loss, "metrics": [], "seed": 0, **more}
    return parse(json.dumps(iris_spec(data=data, network={"layers": layers}, training=training)).encode())


def prepare_as_promised(spec, description, source):
    """What `prepare` makes, once it is found to have the shapes that the check promised."""
    report = check(spec, description)
    made = prepare(spec, description, source, report.task)
    assert made.x_train.shape[1:] == report.input_shape
    assert made.x_train.dtype == np.float32
    for rows, x, y in (
        (report.rows.train, made.x_train, made.y_train),
        (report.rows.validation, made.x_validation, made.y_validation),
        (report.rows.test, made.x_test, made.y_test),
    ):
        assert (0 if x is None else len(x)) == (0 if y is None else len(y))
        assert rows is None or rows == (0 if x is None else len(x))
    return made
