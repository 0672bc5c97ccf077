"""Write the lines that build the network and train it."""

from collections.abc import Mapping

from stackyard.spec.check.report import Report
from stackyard.spec.data.data import ArrayTarget
from stackyard.spec.script import row_order
from stackyard.spec.script.constructors import build_constructor_call
from stackyard.spec.script.python_source import (
    CompoundExpression,
    Expression,
    build_call,
    build_list,
    format_assignment,
    format_expression,
)
from stackyard.spec.script.script_builder import ScriptBuilder
from stackyard.spec.training.callbacks import Callback, LearningRateScheduler, TerminateOnNaN
from stackyard.spec.training.class_weight import map_weights_by_label
from stackyard.spec.training.losses import SIGN_LOSSES
from stackyard.spec.training.metric_directions import resolve_modes
from stackyard.spec.training.metrics import AXIS_METRICS, Accuracy, Metric, resolve_metric
from stackyard.spec.training.training import Training


def write_network(script: ScriptBuilder, report: Report) -> None:
    """Write the lines that build the network and compile it."""
    training = report.spec.training
    layers = [
        build_call("keras.Input", repr(report.input_shape)),
        *map(build_constructor_call, report.spec.network.layers),
    ]
    script.import_modules("keras")
    script.start_block(
        f"keras.utils.set_random_seed({training.seed})",
        format_assignment("network", build_call("keras.Sequential", build_list(layers))),
        format_expression(
            build_call(
                "network.compile",
                optimizer=build_constructor_call(training.optimizer),
                loss=build_constructor_call(training.loss),
                metrics=build_list([_build_metric(metric, report) for metric in training.metrics]),
            )
        ),
    )


def write_target_axis(script: ScriptBuilder, report: Report, *, has_test_set: bool) -> None:
    """Write the lines that give single targets an axis of size 1, if a metric needs it."""
    if not _has_target_axis(report):
        return
    has_validation = report.spec.data.split.validation is not None
    set_names = ["train", *(["validation"] if has_validation else []), *(["test"] if has_test_set else [])]
    script.start_block(*(f"y_{name} = y_{name}.reshape(len(y_{name}), -1)" for name in set_names))


def _has_target_axis(report: Report) -> bool:
    target = report.spec.data.target
    is_single = target.encode is None and (isinstance(target, ArrayTarget) or len(target.columns) == 1)
    return is_single and any(isinstance(metric, AXIS_METRICS) for metric in report.spec.training.metrics)


def write_training(script: ScriptBuilder, report: Report, *, has_test_set: bool) -> None:
    """Write the lines that train the network, evaluate it if there is a test set, and save the results."""
    spec, training = report.spec, report.spec.training
    has_sample_weight = spec.data.sample_weight is not None
    options: dict[str, Expression] = {}
    if spec.data.split.validation is not None:
        options["validation_data"] = "(x_validation, y_validation)"
    if training.class_weight is not None:
        _write_class_weight(script, report)
        options["class_weight"] = "class_weight"
    if has_sample_weight and training.shuffle is not True:
        options["sample_weight"] = "sample_weight"
    callbacks = _build_callbacks(training)
    if training.shuffle is True:
        callbacks.insert(0, row_order.build_shuffle_callback())
    if callbacks:
        options["callbacks"] = build_list(callbacks)
    epochs = repr(training.epochs)
    if training.shuffle is True:
        row_order.write_row_order(script, training.seed or 0, training.batch_size, has_sample_weight=has_sample_weight)
        if "validation_data" in options:
            options["validation_batch_size"] = repr(training.batch_size)
        fit_call = build_call("network.fit", "rows", epochs=epochs, shuffle="False", **options, verbose="2")
    else:
        size, shuffle = repr(training.batch_size), repr(training.shuffle == "keras")
        arrays = ("x_train", "y_train")
        fit_call = build_call(
            "network.fit", *arrays, batch_size=size, epochs=epochs, shuffle=shuffle, **options, verbose="2"
        )
    script.start_block(format_assignment("history", fit_call))
    if has_test_set:
        script.add_lines(
            f"print(network.evaluate(x_test, y_test, batch_size={training.batch_size}, return_dict=True))"
        )
    script.import_modules("pandas as pd")
    script.start_block(
        'pd.DataFrame(history.history).to_csv("history.csv", index_label="epoch", na_rep="nan")',
        'network.save("model.keras")',
    )


def _build_metric(metric: Metric, report: Report) -> Expression:
    if metric == Accuracy():
        return '"accuracy"'
    return build_constructor_call(resolve_metric(metric, report.spec.training.loss, report.output_shape[-1]))


def _build_callbacks(training: Training) -> list[Expression]:
    callbacks = [_build_callback(callback) for callback in resolve_modes(training)]
    has_terminator = any(isinstance(callback, TerminateOnNaN) for callback in training.callbacks)
    if training.on_nonfinite == "stop" and not has_terminator:
        callbacks.append(build_call("keras.callbacks.TerminateOnNaN"))
    return callbacks


def _build_callback(callback: Callback) -> Expression:
    expression = build_constructor_call(callback)
    if not isinstance(callback, LearningRateScheduler):
        return expression
    # Keras expects a function of the epoch.
    function = f"lambda epoch: float({format_expression(build_constructor_call(callback.schedule))}(epoch))"
    arguments = tuple((name, function if name == "schedule" else node) for name, node in expression.arguments)
    return CompoundExpression(expression.opening, arguments)


def _write_class_weight(script: ScriptBuilder, report: Report) -> None:
    class_weight, classes = report.spec.training.class_weight, report.task.classes or ()
    if isinstance(class_weight, Mapping):
        weights = map_weights_by_label(
            class_weight, classes, uses_signs=isinstance(report.spec.training.loss, SIGN_LOSSES)
        )
        script.start_block(f"class_weight = {weights!r}")
        return
    script.import_modules("numpy as np")
    script.import_name("sklearn.utils.class_weight", "compute_class_weight")
    is_one_hot = report.spec.data.target.encode is not None
    labels = "y_train.argmax(axis=1)" if is_one_hot else "y_train[:, 0]" if _has_target_axis(report) else "y_train"
    script.start_block(
        f"labels = {labels}",
        'weights = compute_class_weight("balanced", classes=np.unique(labels), y=labels)',
        "class_weight = {int(label): float(weight) for label, weight in zip(np.unique(labels), weights)}",
    )
