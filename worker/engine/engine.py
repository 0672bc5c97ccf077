"""A training from its first step to its outcome."""

from collections.abc import Collection, Generator
from contextlib import contextmanager, suppress
from dataclasses import replace
from typing import Any

import keras
import tensorflow as tf

from stackyard.spec import JobSpec
from worker.engine import keras_session, training_state
from worker.engine.diagnosis import Replay, diagnose
from worker.engine.optimizations.lean_adam import has_the_bits_of_keras
from worker.engine.optimizations.ways import warm_up
from worker.engine.outcome import Outcome
from worker.engine.program.architecture import Architecture, architecture, with_hyperparameters
from worker.engine.program.compiled_program import Compiled
from worker.engine.program.program_cache import Cache
from worker.engine.rows import batch_of, rows_of_steps, training_rows, validation_rows
from worker.engine.snapshot import Snapshot
from worker.engine.training_loop import Fit
from worker.engine.training_observer import Watch
from worker.keras_build.compilation import build_compiled
from worker.keras_build.hyperparameters import Hyperparameters
from worker.preparation import Prepared

_tensorflow: Any = tf  # which carries no types
_TOO_LARGE: tuple[type[Exception], ...] = (MemoryError, _tensorflow.errors.ResourceExhaustedError)


class Engine:
    """Trains networks, one after the other, and keeps what it traced for the next of the same architecture.

    Args:
        cache_memory: bytes that what it keeps may take, about.

    """

    def __init__(self, cache_memory: int) -> None:
        self._cache = Cache(cache_memory)
        has_the_bits_of_keras()  # here and below: now, and not in the first job
        warm_up()
        keras_session.remember_what_is_saved()

    def train(
        self,
        spec: JobSpec,
        data: Prepared,
        watch: Watch,
        start: Snapshot | None = None,
        *,
        evaluated: int = 0,
    ) -> Outcome:
        """Train a spec's network.

        Args:
            spec: of the job, found right by `stackyard.spec.check`, its seed filled in.
            data: float32 rows, the training rows in the order in which `shuffle=False` takes them.
            watch: hears of every epoch; what it raises ends the training and passes through.
            start: of a training of the same spec and rows, which is to go on from there; it hears of no epoch before.
            evaluated: by how many rows the outcome is to be evaluated; graphs for that are then prepared meanwhile.

        Raises:
            CheckpointError: `start` is of another network; nobody has heard of an epoch yet.
            MemoryError: the rows, the network or a step of it are too large.

        """
        with self._memory():
            return self._trained(spec, data, watch, start, evaluated=evaluated)

    def _trained(
        self, spec: JobSpec, data: Prepared, watch: Watch, start: Snapshot | None, *, evaluated: int
    ) -> Outcome:
        train = training_rows(data)
        validation = validation_rows(data)
        rows = rows_of_steps(train.count, spec.training.batch_size)
        wanted = architecture(spec, data, batch_of(train.count, spec.training.batch_size))
        compiled = self._cache.get(wanted, rows, lambda: _compiled(spec, data, wanted, rows))
        compiled.expect(rows)
        fit = Fit(compiled, spec.training, train, validation, watch, start, evaluated=evaluated)
        try:
            with fit.preparing():
                network = _network(spec, data)
            training_state.copy(network, compiled.network)
            diverged = fit.run()
        finally:
            compiled.settle()
        if diverged is not None:
            with (
                suppress(*_TOO_LARGE),
                training_state.kept(compiled.network),
            ):  # without room for that, we know no more of it
                again = Fit(compiled, spec.training, train, validation, Replay(watch), start)
                diverged = replace(diverged, forward=diagnose(network, compiled, again, diverged))
        training_state.copy(compiled.network, network)
        return Outcome(network, diverged, compiled)

    @contextmanager
    def _memory(self) -> Generator[None]:
        """Make one error of TensorFlow's and Python's, and give back what can be given back."""
        try:
            yield
        except _TOO_LARGE as error:
            self._cache.clear()
            raise MemoryError(str(error)) from error


def _network(spec: JobSpec, data: Prepared) -> Any:
    """The spec's network, named as if no other had been made before, its state that of a training's start."""
    keras_session.begin(spec.training.seed or 0)
    with keras_session.one_name():
        network: Any = build_compiled(spec, data.x_train.shape[1:])
        if isinstance(network.optimizer, keras.optimizers.ScheduleFreeAdamW):
            # Its build copies the weights into the momentum. `fit` builds it while it traces, where that comes to
            # nothing.
            _tensorflow.function(lambda: _build(network), autograph=False).get_concrete_function()
        else:
            _build(network)
    return network


def _build(network: Any) -> None:
    network.optimizer.build(network.trainable_variables)


def _compiled(spec: JobSpec, data: Prepared, wanted: Architecture, rows: Collection[int]) -> Compiled:
    """What is traced is a network of its own: its numbers are not those of one job."""
    among = Hyperparameters(wanted.numbers)
    network = _network(with_hyperparameters(spec, among), data)
    return Compiled(
        network, among, data.x_train, data.y_train, weighted=wanted.weighted, rows=rows, batch=wanted.batch
    )
