"""Trainings with split kernels are bit-identical to stock Keras, and other code sees whole kernels."""

import pytest

from tests.worker.engine.sample_jobs import build_spec, draw_numbers
from tests.worker.engine.test_same_bits import (
    assert_equal_to_keras,
    assert_resumption_equal_to_keras,
    assert_same_results,
    fit_by_spec,
)
from tests.worker.keras_reference import train_with_engine
from worker.engine import Engine, training_state
from worker.engine.optimizations import dense_products, product_variants, split_kernels
from worker.engine.optimizations.dense_products import DenseProducts
from worker.keras_build.compilation import build_compiled_network

pytestmark = pytest.mark.exhaustive

FEATURES = 512
"""Features of a row; with 128 units, the kernel is the smallest that is split."""
WIDE = {"type": "Dense", "units": 128, "activation": "relu"}
LAST = {"type": "Dense", "units": 1}
STACK = [WIDE, {"type": "Dropout", "rate": 0.3}, "BatchNormalization", {**WIDE, "units": 512}, LAST]
"""Two of its kernels are split."""
ROWS = [16, 8]


@pytest.fixture(autouse=True)
def free_core(monkeypatch):
    """Pretend that a core is free on any machine."""
    monkeypatch.setattr(product_variants, "count_usable_cores", lambda: 2)
    monkeypatch.setattr(dense_products, "_get_threads", lambda: 1)


@pytest.fixture
def trials(monkeypatch):
    """Results of the trials by rows and shape; they depend on the machine."""
    results = {}

    def halves_agree(rows, kernel, _):
        if (rows, kernel) not in results:
            results[rows, kernel] = product_variants.are_halves_identical.__wrapped__(rows, kernel, 1)
        return results[rows, kernel]

    monkeypatch.setattr(dense_products, "are_halves_identical", halves_agree)
    return results


@pytest.fixture
def agreed(monkeypatch):
    """Pretend that halves of every shape are bit-identical, in tests that multiply nothing."""
    monkeypatch.setattr(dense_products, "are_halves_identical", lambda *_: True)


@pytest.fixture
def split_shapes(monkeypatch):
    """Shapes of the kernels that were split."""
    shapes = []

    class RecordedKernel(split_kernels.SplitKernel):
        def __init__(self, whole):
            shapes.append(tuple(whole.shape))
            super().__init__(whole)

    monkeypatch.setattr(split_kernels, "SplitKernel", RecordedKernel)
    return shapes


def list_splittable(trials, *kernels):
    """Return the kernels whose trials were all positive."""
    return [kernel for kernel in kernels if all(same for (_, shape), same in trials.items() if shape == kernel)]


def build_network(*layers, **training):
    network = build_compiled_network(build_spec([*layers, LAST], **training), (FEATURES,))
    network.optimizer.build(network.trainable_variables)
    return network


OPTIMIZERS = {
    "SGD": {"type": "SGD"},
    "SGD with momentum": {"type": "SGD", "momentum": 0.7},
    "SGD after Nesterov": {"type": "SGD", "momentum": 0.7, "nesterov": True},
    "Adam": {"type": "Adam"},
    "Adam with amsgrad": {"type": "Adam", "amsgrad": True},
}


@pytest.mark.exhaustive
@pytest.mark.parametrize("optimizer", OPTIMIZERS.values(), ids=OPTIMIZERS)
def test_jobs_are_bit_identical_to_keras_in_one_call_and_in_several(optimizer, trials, split_shapes):
    """On the author's machine, both kernels are bit-identical for 16 and 8 rows, so that both are split."""
    assert_resumption_equal_to_keras(STACK, draw_numbers((FEATURES,)), optimizer=optimizer)
    assert_equal_to_keras(STACK, draw_numbers((FEATURES,)), optimizer=optimizer)
    assert split_shapes == list_splittable(trials, (512, 128), (128, 512)) * 2


def test_jobs_on_cached_graphs_are_bit_identical_to_keras(traced, trials, split_shapes):
    before = build_spec(STACK, optimizer={"type": "Adam", "learning_rate": 0.3, "beta_1": 0.7}, seed=9)
    assert_equal_to_keras(
        STACK, draw_numbers((FEATURES,)), before=before, optimizer={"type": "Adam", "learning_rate": 0.01}
    )
    assert len(traced) == 1
    assert split_shapes == list_splittable(trials, (512, 128), (128, 512))


def test_a_diverging_job_ends_like_keras(trials, split_shapes):
    training = {"optimizer": {"type": "SGD", "learning_rate": 1e4}, "on_nonfinite": "stop"}
    data, job_spec = draw_numbers((FEATURES,)), build_spec([WIDE, WIDE, LAST], **training)
    outcome, observer = train_with_engine(job_spec, data, Engine(2**30))
    assert split_shapes == list_splittable(trials, (FEATURES, 128))
    assert outcome.divergence is not None
    assert_same_results(outcome, observer, *fit_by_spec(job_spec, data))


def test_a_job_with_other_bits_for_its_batches_gets_whole_kernels(trials, traced, split_shapes):
    """The job after it gets the split kernels, which are still cached."""
    data, engine = draw_numbers((FEATURES,)), Engine(2**30)
    trials[20, (FEATURES, 128)] = False
    for batch_size, programs in ((16, 0), (20, 1), (16, 1)):
        job_spec = build_spec([WIDE, LAST], batch_size=batch_size)
        assert_same_results(*train_with_engine(job_spec, data, engine), *fit_by_spec(job_spec, data))
        assert len(traced) == 1 + programs * len(split_shapes)
    assert split_shapes == ([(FEATURES, 128)] if trials[16, (FEATURES, 128)] and trials[8, (FEATURES, 128)] else [])


NOT_SPLIT = {
    "an optimizer without a companion": ([WIDE], {"optimizer": "rmsprop"}),
    "weight decay": ([WIDE], {"optimizer": {"type": "Adam", "weight_decay": 0.1}}),
    "AdamW": ([WIDE], {"optimizer": "adamw"}),
    "clipped gradients": ([WIDE], {"optimizer": {"type": "SGD", "clipnorm": 1.0}}),
    "globally clipped gradients": ([WIDE], {"optimizer": {"type": "Adam", "global_clipnorm": 1.0}}),
    "accumulated gradients": ([WIDE], {"optimizer": {"type": "SGD", "gradient_accumulation_steps": 2}}),
    "a loss scale factor": ([WIDE], {"optimizer": {"type": "SGD", "loss_scale_factor": 8.0}}),
    "moving averages of weights": ([WIDE], {"optimizer": {"type": "SGD", "use_ema": True}}),
    "a regularizer": ([{**WIDE, "kernel_regularizer": "l2"}], {}),
    "a constraint": ([{**WIDE, "kernel_constraint": "non_neg"}], {}),
    "untrainable weights": ([{**WIDE, "trainable": False}], {}),
    "a small kernel": ([{**WIDE, "units": 64}], {}),
    "rows with two axes": ([{"type": "Reshape", "target_shape": [4, 128]}, {**WIDE, "units": 1024}, "Flatten"], {}),
}


@pytest.mark.usefixtures("agreed")
@pytest.mark.parametrize(("layers", "training"), NOT_SPLIT.values(), ids=NOT_SPLIT)
def test_kernels_with_other_uses_are_not_split(layers, training):
    assert DenseProducts(build_network(WIDE), ROWS).split_kernels is not None
    assert DenseProducts(build_network(*layers, **training), ROWS).split_kernels is None


@pytest.mark.usefixtures("agreed")
def test_kernels_are_not_split_without_a_free_core(monkeypatch):
    monkeypatch.setattr(product_variants, "count_usable_cores", lambda: 1)
    assert DenseProducts(build_network(WIDE), ROWS).split_kernels is None


def test_steps_of_too_many_rows_are_not_tried(trials):
    assert DenseProducts(build_network(WIDE), [2**20]).split_kernels is None
    assert not trials


@pytest.mark.usefixtures("agreed")
def test_the_total_size_of_split_kernels_is_limited(monkeypatch, split_shapes):
    monkeypatch.setattr(dense_products, "_MAX_SPLIT_ELEMENTS", FEATURES * 128)
    network = build_network(WIDE, {**WIDE, "units": 512}, optimizer="adam")
    split_kernels = DenseProducts(network, ROWS).split_kernels
    assert split_shapes == [(FEATURES, 128)]
    assert split_kernels.nbytes == 3 * 4 * FEATURES * 128  # the kernel and Adam's two slots
    assert split_kernels.nbytes < training_state.measure_state(network)
