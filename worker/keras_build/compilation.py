"""Build a compiled network and Keras callbacks from a spec."""

from collections.abc import Callable, Iterable, Mapping
from typing import Any

import keras

from stackyard.spec import Callback, JobSpec, SpecModel
from stackyard.spec.training import callbacks, losses, metrics, optimizers
from worker.keras_build.network import build_keras_object, build_network, get_keras_arguments

_KERAS_CLASSES: Mapping[type[SpecModel], Any] = {
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


def build_compiled_network(spec: JobSpec, input_shape: tuple[int, ...]) -> keras.Sequential:
    """Build a spec's network and compile it.

    Args:
        spec: a spec that `stackyard.spec.check` accepted.
        input_shape: the shape of one row.

    Returns:
        The network, which trains like that of a Keras script with the same `compile` arguments.

    """
    network: Any = build_network(spec.network, input_shape)  # Any, because compile of keras.Sequential has no types
    training = spec.training
    output_size = network.output_shape[-1]
    network.compile(
        optimizer=_build_from_table(training.optimizer),
        loss=_build_from_table(training.loss),
        metrics=[
            _build_from_table(metrics.resolve_metric(metric, training.loss, output_size))
            for metric in training.metrics
        ],
    )
    return network


def build_callbacks(definitions: Iterable[Callback]) -> list[keras.callbacks.Callback]:
    """Build the Keras callbacks of a spec, in the spec's order."""
    return [_build_callback(definition) for definition in definitions]


def _build_callback(definition: Callback) -> keras.callbacks.Callback:
    keyword_arguments = get_keras_arguments(definition)
    if "schedule" in keyword_arguments:
        keyword_arguments["schedule"] = _to_epoch_function(keyword_arguments["schedule"])
    return _KERAS_CLASSES[type(definition)](**keyword_arguments)


def _to_epoch_function(schedule: Any) -> Callable[[int, float], float]:
    """Return a schedule as the function that LearningRateScheduler takes; it ignores the current learning rate."""
    return lambda epoch, _: float(schedule(epoch))


def _build_from_table(definition: SpecModel) -> Any:
    return build_keras_object(_KERAS_CLASSES[type(definition)], definition)
