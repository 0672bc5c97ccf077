"""Inputs that an Embedding looks up are checked before the training."""

import numpy as np
import pytest

from tests.worker.keras_reference import build_prepared_data, build_spec
from worker.preparation import PreparationError
from worker.preparation.lookups import check_lookups

SPEC = build_spec([{"type": "Embedding", "input_dim": 6, "output_dim": 2}, "Flatten", {"type": "Dense", "units": 1}])


def build_data(*validation_values):
    x = np.array([[0.0], [5.0]], np.float32)
    validation = np.array([[value] for value in validation_values], np.float32)
    return build_prepared_data((x, x[:, 0]), (validation, validation[:, 0]))


@pytest.mark.parametrize("value", [6, -1, 0.5])
def test_an_invalid_index_of_any_subset_is_refused(value):
    with pytest.raises(PreparationError, match=f"validation rows: .* from 0 to 5, received {value}"):
        check_lookups(SPEC, build_data(0, value), lambda: None)


def test_valid_indices_and_other_networks_are_accepted():
    check_lookups(SPEC, build_data(0, 5), lambda: None)
    check_lookups(build_spec([{"type": "Dense", "units": 1}]), build_data(0.5), lambda: None)
