"""Rows to predict whose categories are integers or floats: exact, or refused at their place."""

import json

import numpy as np
import pytest

from stackyard.spec import ColumnDescription
from worker.prediction import csv_table, json_table
from worker.prediction.feature_columns import iterate_features
from worker.prediction.row_faults import InvalidRowsError
from worker.preparation.transforms.features import FittedGroup, FittedTable

LARGE = 2**53
IDENTIFIER = ColumnDescription(name="id", type="integer", missing=0, categories=[1, LARGE, LARGE + 1], maximum=LARGE)
GRADE = ColumnDescription(name="id", type="float", missing=0, categories=[0, 1, 2], minimum=0, maximum=2)


@pytest.fixture(params=["json", "csv"])
def read_inputs(request):
    def read_inputs(column, values):
        table = FittedTable(groups=(FittedGroup(columns=(column,), transform="ordinal", fill={}, numbers={}),))
        features = tuple(iterate_features(table))
        if request.param == "json":
            rows = json_table.read_json_table(json.loads(json.dumps([{"id": value} for value in values])), features)
        else:
            rows = csv_table.read_csv_table("\n".join(["id", *map(str, values), ""]).encode(), features)
        return table.apply(rows.to_frame)[:, 0], rows.list_unknown_values()

    return read_inputs


def test_large_integers_stay_apart_beside_fractions_of_zero(read_inputs):
    inputs, unknown = read_inputs(IDENTIFIER, [LARGE + 1, LARGE, 1.0, -5, LARGE + 2])
    assert np.array_equal(inputs, [2, 1, 0, -1, -1])
    assert len(unknown) == 2


def test_whole_floats_and_integers_are_the_same_category(read_inputs):
    inputs, unknown = read_inputs(GRADE, [2.0, 1, 0.0, 7.0])
    assert np.array_equal(inputs, [2, 1, 0, -1])
    assert len(unknown) == 1


@pytest.mark.parametrize("column", [IDENTIFIER, GRADE], ids=["integer", "float"])
@pytest.mark.parametrize("value", [1.5, 2**63, 10**30, -(2**63) - 1])
def test_what_is_no_whole_number_of_64_bits_is_refused(column, value, read_inputs):
    with pytest.raises(InvalidRowsError) as caught:
        read_inputs(column, [1, value])
    [fault] = caught.value.faults
    assert fault.pointer == "/rows/1/id"
