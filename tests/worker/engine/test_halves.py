"""Kernels in halves train to stock Keras's bits, and are whole again wherever somebody looks at them."""

import pytest

from tests.worker.engine.parts import numbers, spec
from tests.worker.engine.test_same_bits import by_keras, goes_on_as_stock, is_stock, same_as_stock
from tests.worker.stock import trained
from worker.engine import Engine, training_state
from worker.engine.optimizations import halves, products, ways
from worker.engine.optimizations.products import Products
from worker.keras_build.compilation import build_compiled

FEATURES = 512
"""Of a row: with 128 units, that makes the smallest kernel that is halved."""
WIDE = {"type": "Dense", "units": 128, "activation": "relu"}
LAST = {"type": "Dense", "units": 1}
STACK = [WIDE, {"type": "Dropout", "rate": 0.3}, "BatchNormalization", {**WIDE, "units": 512}, LAST]
"""Two of its kernels are in halves."""
ROWS = [16, 8]


@pytest.fixture(autouse=True)
def free_core(monkeypatch):
    """Have a core free, whatever machine this is."""
    monkeypatch.setattr(ways, "count_usable_cores", lambda: 2)
    monkeypatch.setattr(products, "_threads", lambda: 1)


@pytest.fixture
def tried(monkeypatch):
    """Which shapes were found to have the same bits, with the threads that there are; that is up to the machine."""
    found = {}

    def halves_agree(rows, kernel, _):
        if (rows, kernel) not in found:
            found[rows, kernel] = ways.halves_agree.__wrapped__(rows, kernel, 1)
        return found[rows, kernel]

    monkeypatch.setattr(products, "halves_agree", halves_agree)
    return found


@pytest.fixture
def agreed(monkeypatch):
    """Have halves of every shape agree, where nothing is multiplied."""
    monkeypatch.setattr(products, "halves_agree", lambda *_: True)


@pytest.fixture
def cut(monkeypatch):
    """The shapes of the kernels that were cut in halves."""
    shapes = []

    class Counted(halves.Kernel):
        def __init__(self, whole):
            shapes.append(tuple(whole.shape))
            super().__init__(whole)

    monkeypatch.setattr(halves, "Kernel", Counted)
    return shapes


def agreeing(tried, *kernels):
    """Those of some kernels that were to be cut, by what was found."""
    return [kernel for kernel in kernels if all(same for (_, tried_on), same in tried.items() if tried_on == kernel)]


def network(*layers, **training):
    made = build_compiled(spec([*layers, LAST], **training), (FEATURES,))
    made.optimizer.build(made.trainable_variables)
    return made


OPTIMIZERS = {
    "SGD": {"type": "SGD"},
    "SGD with momentum": {"type": "SGD", "momentum": 0.7},
    "SGD after Nesterov": {"type": "SGD", "momentum": 0.7, "nesterov": True},
    "Adam": {"type": "Adam"},
    "Adam with amsgrad": {"type": "Adam", "amsgrad": True},
}


@pytest.mark.parametrize("optimizer", OPTIMIZERS.values(), ids=OPTIMIZERS)
def test_a_job_has_stock_s_bits_in_one_call_and_in_many(optimizer, tried, cut):
    """Of 16 and 8 rows the bits of both kernels are the same where this was written, so both are cut there."""
    goes_on_as_stock(STACK, numbers((FEATURES,)), optimizer=optimizer)
    is_stock(STACK, numbers((FEATURES,)), optimizer=optimizer)
    assert cut == agreeing(tried, (512, 128), (128, 512)) * 2


def test_a_job_on_kept_graphs_has_its_own_bits(traced, tried, cut):
    before = spec(STACK, optimizer={"type": "Adam", "learning_rate": 0.3, "beta_1": 0.7}, seed=9)
    is_stock(STACK, numbers((FEATURES,)), before=before, optimizer={"type": "Adam", "learning_rate": 0.01})
    assert len(traced) == 1
    assert cut == agreeing(tried, (512, 128), (128, 512))


def test_a_job_that_diverges_ends_where_stock_does(tried, cut):
    training = {"optimizer": {"type": "SGD", "learning_rate": 1e4}, "on_nonfinite": "stop"}
    data, wanted = numbers((FEATURES,)), spec([WIDE, WIDE, LAST], **training)
    outcome, told = trained(wanted, data, Engine(2**30))
    assert cut == agreeing(tried, (FEATURES, 128))
    assert outcome.diverged is not None
    same_as_stock(outcome, told, *by_keras(wanted, data))


def test_a_job_for_whose_batches_halves_have_other_bits_gets_whole_kernels(tried, traced, cut):
    """And the job after it the halves that are still there."""
    data, engine = numbers((FEATURES,)), Engine(2**30)
    tried[20, (FEATURES, 128)] = False
    for batch_size, others in ((16, 0), (20, 1), (16, 1)):
        wanted = spec([WIDE, LAST], batch_size=batch_size)
        same_as_stock(*trained(wanted, data, engine), *by_keras(wanted, data))
        assert len(traced) == 1 + others * len(cut)
    assert cut == ([(FEATURES, 128)] if tried[16, (FEATURES, 128)] and tried[8, (FEATURES, 128)] else [])


WHOLE = {
    "an optimizer with other passes": ([WIDE], {"optimizer": "rmsprop"}),
    "weights that decay": ([WIDE], {"optimizer": {"type": "Adam", "weight_decay": 0.1}}),
    "AdamW": ([WIDE], {"optimizer": "adamw"}),
    "gradients that are clipped": ([WIDE], {"optimizer": {"type": "SGD", "clipnorm": 1.0}}),
    "gradients that are clipped together": ([WIDE], {"optimizer": {"type": "Adam", "global_clipnorm": 1.0}}),
    "gradients that are gathered": ([WIDE], {"optimizer": {"type": "SGD", "gradient_accumulation_steps": 2}}),
    "a loss that is scaled": ([WIDE], {"optimizer": {"type": "SGD", "loss_scale_factor": 8.0}}),
    "a mean of weights": ([WIDE], {"optimizer": {"type": "SGD", "use_ema": True}}),
    "a penalty": ([{**WIDE, "kernel_regularizer": "l2"}], {}),
    "a constraint": ([{**WIDE, "kernel_constraint": "non_neg"}], {}),
    "weights that stay": ([{**WIDE, "trainable": False}], {}),
    "a small kernel": ([{**WIDE, "units": 64}], {}),
    "rows of rows": ([{"type": "Reshape", "target_shape": [4, 128]}, {**WIDE, "units": 1024}, "Flatten"], {}),
}


@pytest.mark.usefixtures("agreed")
@pytest.mark.parametrize(("layers", "training"), WHOLE.values(), ids=WHOLE)
def test_what_has_more_to_do_with_a_kernel_has_it_whole(layers, training):
    assert Products(network(WIDE), ROWS).halves is not None
    assert Products(network(*layers, **training), ROWS).halves is None


@pytest.mark.usefixtures("agreed")
def test_without_a_free_core_kernels_stay_whole(monkeypatch):
    monkeypatch.setattr(ways, "count_usable_cores", lambda: 1)
    assert Products(network(WIDE), ROWS).halves is None


def test_steps_of_too_many_rows_are_not_tried(tried):
    assert Products(network(WIDE), [2**20]).halves is None
    assert not tried


@pytest.mark.usefixtures("agreed")
def test_no_more_is_cut_than_there_is_room_for(monkeypatch, cut):
    monkeypatch.setattr(products, "_MOST_HALVED", FEATURES * 128)
    made = network(WIDE, {**WIDE, "units": 512}, optimizer="adam")
    found = Products(made, ROWS).halves
    assert cut == [(FEATURES, 128)]
    assert found.size == 3 * 4 * FEATURES * 128  # the kernel, and what Adam remembers of it
    assert found.size < training_state.size(made)
