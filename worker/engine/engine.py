"""Run one training after another, from the first step to the outcome."""

from collections.abc import Generator
from contextlib import contextmanager
from dataclasses import replace
from typing import Any

from stackyard.spec import JobSpec
from worker.engine import keras_session, training_state
from worker.engine.backend.program_interface import Program
from worker.engine.backend.program_selection import select_program_class
from worker.engine.backend.selection import is_jax, load_backend
from worker.engine.diagnosis import ReplayObserver, diagnose_divergence
from worker.engine.outcome import Outcome
from worker.engine.program.program_cache import ProgramCache
from worker.engine.program.program_key import ProgramKey, build_program_key, insert_hyperparameters
from worker.engine.rows import build_training_rows, build_validation_rows, get_fixed_batch_size
from worker.engine.snapshot import Snapshot
from worker.engine.target_axis import shape_data_targets
from worker.engine.training_loop import TrainingLoop
from worker.engine.training_observer import TrainingObserver
from worker.keras_build.compilation import build_compiled_network
from worker.keras_build.hyperparameters import Hyperparameters
from worker.preparation import PreparedData
from worker.runtime.memory import is_out_of_memory
from worker.runtime.private_names import cache_saved_attributes, check_private_names, exclude_tensorflow


class Engine:
    """Trains networks one after another, and reuses traced programs for jobs of the same architecture.

    Args:
        cache_memory: approximate maximum size of the cached programs in bytes.

    """

    def __init__(self, cache_memory: int) -> None:
        self._cache = ProgramCache(cache_memory)
        _prepare_backend()
        cache_saved_attributes()

    def train(
        self,
        spec: JobSpec,
        data: PreparedData,
        observer: TrainingObserver,
        snapshot: Snapshot | None = None,
        *,
        evaluation_rows: int = 0,
    ) -> Outcome:
        """Train a spec's network.

        Args:
            spec: of the job, valid by `stackyard.spec.check` and with its seed filled in.
            data: float32 rows; the training rows are in the order that `shuffle=False` uses.
            observer: is informed of every epoch; exceptions that it raises end the training and are passed on.
            snapshot: a snapshot of the same training, from which to continue. Earlier epochs are not reported again.
            evaluation_rows: number of rows that the outcome will evaluate; the graph for it is prepared meanwhile.

        Raises:
            CheckpointError: `snapshot` is of another network; no epoch has been reported.
            MemoryError: the rows, the network or one of its steps are too large.

        """
        with self._translate_out_of_memory():
            return self._train_network(spec, data, observer, snapshot, evaluation_rows=evaluation_rows)

    def clear_cache(self) -> None:
        """Remove all cached programs."""
        self._cache.clear()

    def _train_network(
        self,
        spec: JobSpec,
        data: PreparedData,
        observer: TrainingObserver,
        snapshot: Snapshot | None,
        *,
        evaluation_rows: int,
    ) -> Outcome:
        data = shape_data_targets(data, spec.training.metrics)
        train = build_training_rows(data)
        validation = build_validation_rows(data)
        key = build_program_key(spec, data, get_fixed_batch_size(train.count, spec.training.batch_size))
        program = self._cache.get(key, lambda: _build_program(spec, data, key))
        loop = TrainingLoop(
            program, spec.training, train, validation, observer, snapshot, evaluation_rows=evaluation_rows
        )
        try:
            with loop.prepare_calls():
                network = _build_network(spec, data)
            training_state.copy_state(network, program.network)
            divergence = loop.run()
        finally:
            program.wait_until_prepared()
        if divergence is not None:
            with (
                _ignore_out_of_memory(),  # without memory for a second training, the layer stays unknown
                training_state.preserve_state(program.network),
            ):
                second_loop = TrainingLoop(
                    program, spec.training, train, validation, ReplayObserver(observer), snapshot
                )
                divergence = replace(
                    divergence, forward_pass=diagnose_divergence(network, program, second_loop, divergence)
                )
        training_state.copy_state(program.network, network)
        early_end = None if divergence else loop.describe_early_end()
        return Outcome(network, divergence, program, early_end, spec.training.metrics)

    @contextmanager
    def _translate_out_of_memory(self) -> Generator[None]:
        """Turn errors of the backend into a MemoryError, after the cached programs are freed."""
        try:
            yield
        except Exception as error:
            if not is_out_of_memory(error):
                raise
            self._cache.clear()
            raise MemoryError(str(error)) from error


@contextmanager
def _ignore_out_of_memory() -> Generator[None]:
    try:
        yield
    except Exception as error:
        if not is_out_of_memory(error):
            raise


def _build_network(spec: JobSpec, data: PreparedData) -> Any:
    """Build the spec's network in its initial state, with the names of the first network in a process."""
    keras_session.reset_session(spec.training.seed or 0)
    network: Any = build_compiled_network(spec, data.x_train.shape[1:])
    load_backend().build_optimizer(network)
    return network


def _prepare_backend() -> None:
    check_private_names("keras")
    if is_jax():
        check_private_names("jax")
        exclude_tensorflow()
    else:
        check_private_names("tensorflow")


def _build_program(spec: JobSpec, data: PreparedData, key: ProgramKey) -> Program:
    """Build a program with a network of its own, whose hyperparameters are variables."""
    hyperparameters = Hyperparameters(key.hyperparameters)
    network = _build_network(insert_hyperparameters(spec, hyperparameters), data)
    return select_program_class()(
        network,
        hyperparameters,
        data.x_train,
        data.y_train,
        has_weights=key.has_weights,
        fixed_batch_size=key.fixed_batch_size,
    )
