"""Small trainings have the bits of stock `fit`. `test_same_bits` compares every part of the spec language."""

from dataclasses import replace

import numpy as np
import pytest

from tests.worker.engine.sample_jobs import SCORE_LAYERS, build_spec, draw_numbers
from tests.worker.engine.test_same_bits import assert_same_results, fit_by_spec
from tests.worker.keras_reference import SnapshotObserver, train_with_engine
from worker.engine import Engine, training_loop

pytestmark = pytest.mark.jax

LAYERS = [{"type": "Dropout", "rate": 0.25}, "BatchNormalization", *SCORE_LAYERS]


@pytest.fixture(scope="module")
def engine():
    """An engine whose programs the tests share."""
    return Engine(2**30)


@pytest.mark.parametrize("batch_size", [16, 30], ids=["shorter last batches", "all validation rows in one batch"])
def test_several_epochs_in_a_call(engine, batch_size):
    job = build_spec(LAYERS, optimizer="adam", metrics=["mae"], epochs=30, batch_size=batch_size)
    data = draw_numbers()
    outcome, observer = train_with_engine(job, data, engine)
    assert_same_results(outcome, observer, *fit_by_spec(job, data))


def test_sample_weights_and_metrics_that_are_no_means(engine):
    weights = np.random.default_rng(2).random(40).astype("float32")
    data = replace(draw_numbers(), weights=weights)
    job = build_spec(LAYERS, metrics=["r2_score"], callbacks=[{"type": "ReduceLROnPlateau", "patience": 1}])
    outcome, observer = train_with_engine(job, data, engine)
    assert_same_results(outcome, observer, *fit_by_spec(job, data))


def test_resuming_within_an_epoch(engine, monkeypatch):
    monkeypatch.setattr(training_loop, "TARGET_CALL_S", 0.0)  # otherwise a call takes all steps
    job, data = build_spec(LAYERS, optimizer="adam", metrics=["mae"]), draw_numbers()
    outcome, observer = train_with_engine(job, data, engine, observer=SnapshotObserver())
    snapshot = next(snapshot for snapshot in observer.snapshots if snapshot.step > 0)
    resumed, later = train_with_engine(job, data, engine, snapshot=snapshot)
    assert later.epochs == observer.epochs
    for actual, expected in zip(resumed.network.get_weights(), outcome.network.get_weights(), strict=True):
        np.testing.assert_array_equal(actual, expected)


def test_rows_in_files(engine, tmp_path):
    data, files = draw_numbers(), {}
    for name in ("x_train", "y_train", "x_validation", "y_validation"):
        np.save(tmp_path / f"{name}.npy", getattr(data, name))
        files[name] = np.load(tmp_path / f"{name}.npy", mmap_mode="r")
    job = build_spec(LAYERS, optimizer="adam", metrics=["mae"], shuffle=True)
    outcome, observer = train_with_engine(job, data, engine)
    from_files, file_observer = train_with_engine(job, replace(data, **files), engine)
    assert file_observer.epochs == observer.epochs
    for actual, expected in zip(from_files.network.get_weights(), outcome.network.get_weights(), strict=True):
        np.testing.assert_array_equal(actual, expected)
