"""From a spec's training to a compiled network and Keras's callbacks."""

from collections.abc import Callable, Iterable, Mapping
from typing import Any

import keras

from stackyard.spec import Callback, JobSpec, Part
from stackyard.spec.training import callbacks, losses, metrics, optimizers
from worker.keras_build.network import arguments, build, make

_CLASSES: Mapping[type[Part], Any] = {
    optimizers.SGD: keras.optimizers.SGD,
    optimizers.RMSprop: keras.optimizers.RMSprop,
    optimizers.Adam: keras.optimizers.Adam,
    optimizers.AdamW: keras.optimizers.AdamW,
    optimizers.Adamax: keras.optimizers.Adamax,
    optimizers.Nadam: keras.optimizers.Nadam,
    optimizers.Adadelta: keras.optimizers.Adadelta,
    optimizers.Adagrad: keras.optimizers.Adagrad,
    optimizers.Adafactor: keras.optimizers.Adafactor,
    optimizers.Ftrl: keras.optimizers.Ftrl,
    optimizers.Lamb: keras.optimizers.Lamb,
    optimizers.Lion: keras.optimizers.Lion,
    optimizers.Muon: keras.optimizers.Muon,
    optimizers.ScheduleFreeAdamW: keras.optimizers.ScheduleFreeAdamW,
    losses.MeanSquaredError: keras.losses.MeanSquaredError,
    losses.MeanAbsoluteError: keras.losses.MeanAbsoluteError,
    losses.MeanAbsolutePercentageError: keras.losses.MeanAbsolutePercentageError,
    losses.MeanSquaredLogarithmicError: keras.losses.MeanSquaredLogarithmicError,
    losses.Huber: keras.losses.Huber,
    losses.LogCosh: keras.losses.LogCosh,
    losses.Poisson: keras.losses.Poisson,
    losses.CosineSimilarity: keras.losses.CosineSimilarity,
    losses.KLDivergence: keras.losses.KLDivergence,
    losses.Hinge: keras.losses.Hinge,
    losses.SquaredHinge: keras.losses.SquaredHinge,
    losses.CategoricalHinge: keras.losses.CategoricalHinge,
    losses.BinaryCrossentropy: keras.losses.BinaryCrossentropy,
    losses.BinaryFocalCrossentropy: keras.losses.BinaryFocalCrossentropy,
    losses.CategoricalCrossentropy: keras.losses.CategoricalCrossentropy,
    losses.CategoricalFocalCrossentropy: keras.losses.CategoricalFocalCrossentropy,
    losses.CategoricalGeneralizedCrossEntropy: keras.losses.CategoricalGeneralizedCrossEntropy,
    losses.SparseCategoricalCrossentropy: keras.losses.SparseCategoricalCrossentropy,
    losses.Dice: keras.losses.Dice,
    losses.Tversky: keras.losses.Tversky,
    metrics.BinaryAccuracy: keras.metrics.BinaryAccuracy,
    metrics.CategoricalAccuracy: keras.metrics.CategoricalAccuracy,
    metrics.SparseCategoricalAccuracy: keras.metrics.SparseCategoricalAccuracy,
    metrics.TopKCategoricalAccuracy: keras.metrics.TopKCategoricalAccuracy,
    metrics.SparseTopKCategoricalAccuracy: keras.metrics.SparseTopKCategoricalAccuracy,
    metrics.AUC: keras.metrics.AUC,
    metrics.Precision: keras.metrics.Precision,
    metrics.Recall: keras.metrics.Recall,
    metrics.PrecisionAtRecall: keras.metrics.PrecisionAtRecall,
    metrics.RecallAtPrecision: keras.metrics.RecallAtPrecision,
    metrics.SensitivityAtSpecificity: keras.metrics.SensitivityAtSpecificity,
    metrics.SpecificityAtSensitivity: keras.metrics.SpecificityAtSensitivity,
    metrics.TruePositives: keras.metrics.TruePositives,
    metrics.TrueNegatives: keras.metrics.TrueNegatives,
    metrics.FalsePositives: keras.metrics.FalsePositives,
    metrics.FalseNegatives: keras.metrics.FalseNegatives,
    metrics.F1Score: keras.metrics.F1Score,
    metrics.FBetaScore: keras.metrics.FBetaScore,
    metrics.BinaryCrossentropy: keras.metrics.BinaryCrossentropy,
    metrics.CategoricalCrossentropy: keras.metrics.CategoricalCrossentropy,
    metrics.SparseCategoricalCrossentropy: keras.metrics.SparseCategoricalCrossentropy,
    metrics.KLDivergence: keras.metrics.KLDivergence,
    metrics.Poisson: keras.metrics.Poisson,
    metrics.Hinge: keras.metrics.Hinge,
    metrics.SquaredHinge: keras.metrics.SquaredHinge,
    metrics.CategoricalHinge: keras.metrics.CategoricalHinge,
    metrics.MeanSquaredError: keras.metrics.MeanSquaredError,
    metrics.RootMeanSquaredError: keras.metrics.RootMeanSquaredError,
    metrics.MeanAbsoluteError: keras.metrics.MeanAbsoluteError,
    metrics.MeanAbsolutePercentageError: keras.metrics.MeanAbsolutePercentageError,
    metrics.MeanSquaredLogarithmicError: keras.metrics.MeanSquaredLogarithmicError,
    metrics.LogCoshError: keras.metrics.LogCoshError,
    metrics.CosineSimilarity: keras.metrics.CosineSimilarity,
    metrics.R2Score: keras.metrics.R2Score,
    metrics.PearsonCorrelation: keras.metrics.PearsonCorrelation,
    metrics.ConcordanceCorrelation: keras.metrics.ConcordanceCorrelation,
    callbacks.EarlyStopping: keras.callbacks.EarlyStopping,
    callbacks.ReduceLROnPlateau: keras.callbacks.ReduceLROnPlateau,
    callbacks.LearningRateScheduler: keras.callbacks.LearningRateScheduler,
    callbacks.TerminateOnNaN: keras.callbacks.TerminateOnNaN,
    callbacks.SwapEMAWeights: keras.callbacks.SwapEMAWeights,
}


def build_compiled(spec: JobSpec, input_shape: tuple[int, ...]) -> keras.Sequential:
    """Build a spec's network and compile it.

    Args:
        spec: found right by `stackyard.spec.check`.
        input_shape: of one row.

    Returns:
        The network, which trains as the same `compile` in a Keras script would make it.

    """
    network: Any = build(spec.network, input_shape)  # as keras.Sequential, compile has no types
    training = spec.training
    network.compile(
        optimizer=_made(training.optimizer),
        loss=_made(training.loss),
        metrics=[_made(metrics.resolved(one, training.loss, network.output_shape[-1])) for one in training.metrics],
    )
    return network


def build_callbacks(wanted: Iterable[Callback]) -> list[keras.callbacks.Callback]:
    """Build Keras's callbacks, in their order."""
    return [_callback(callback) for callback in wanted]


def _callback(callback: Callback) -> keras.callbacks.Callback:
    given = arguments(callback)
    if "schedule" in given:
        given["schedule"] = _of_epochs(given["schedule"])
    return _CLASSES[type(callback)](**given)


def _of_epochs(schedule: Any) -> Callable[[int, float], float]:
    """A schedule as the function that LearningRateScheduler takes: of the epoch, and of a rate that is forgotten."""
    return lambda epoch, _: float(schedule(epoch))


def _made(part: Part) -> Any:
    return make(_CLASSES[type(part)], part)
