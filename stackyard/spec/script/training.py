"""The network and its training."""

from collections.abc import Mapping

from stackyard.spec.check.report import Report
from stackyard.spec.script import row_order
from stackyard.spec.script.code import Group, Node, array, assign, call, render
from stackyard.spec.script.constructors import constructor
from stackyard.spec.script.script_source import Source
from stackyard.spec.training.callbacks import Callback, LearningRateScheduler, TerminateOnNaN
from stackyard.spec.training.class_weight import by_label
from stackyard.spec.training.losses import SIGN_LOSSES
from stackyard.spec.training.metrics import Accuracy, Metric, resolved
from stackyard.spec.training.training import Training


def build(source: Source, report: Report) -> None:
    """Add the lines that make the network and compile it."""
    training = report.spec.training
    layers = [call("keras.Input", repr(report.input_shape)), *map(constructor, report.spec.network.layers)]
    source.use("keras")
    source.block(
        f"keras.utils.set_random_seed({training.seed})",
        assign("network", call("keras.Sequential", array(layers))),
        render(
            call(
                "network.compile",
                optimizer=constructor(training.optimizer),
                loss=constructor(training.loss),
                metrics=array([_metric(metric, report) for metric in training.metrics]),
            )
        ),
    )


def fit(source: Source, report: Report, *, tested: bool) -> None:
    """Add the lines that train the network, evaluate it where `tested`, and keep what came of it."""
    spec, training = report.spec, report.spec.training
    weighted = spec.data.sample_weight is not None
    further: dict[str, Node] = {}
    if spec.data.split.validation is not None:
        further["validation_data"] = "(x_validation, y_validation)"
    if training.class_weight is not None:
        _class_weight(source, report)
        further["class_weight"] = "class_weight"
    if weighted and training.shuffle is not True:
        further["sample_weight"] = "sample_weight"
    if watchers := _callbacks(training):
        further["callbacks"] = array(watchers)
    epochs = repr(training.epochs)
    if training.shuffle is True:
        row_order.rows(source, training.seed or 0, training.batch_size, weighted=weighted)
        if "validation_data" in further:
            further["validation_batch_size"] = repr(training.batch_size)
        trained = call("network.fit", "Rows()", epochs=epochs, shuffle="False", **further, verbose="2")
    else:
        size, shuffle = repr(training.batch_size), repr(training.shuffle == "keras")
        arrays = ("x_train", "y_train")
        trained = call("network.fit", *arrays, batch_size=size, epochs=epochs, shuffle=shuffle, **further, verbose="2")
    source.block(assign("history", trained))
    if tested:
        source.add(f"print(network.evaluate(x_test, y_test, batch_size={training.batch_size}, return_dict=True))")
    source.use("pandas as pd")
    source.block(
        'pd.DataFrame(history.history).to_csv("history.csv", index_label="epoch", na_rep="nan")',
        'network.save("model.keras")',
    )


def _metric(metric: Metric, report: Report) -> Node:
    if metric == Accuracy():
        return '"accuracy"'
    return constructor(resolved(metric, report.spec.training.loss, report.output_shape[-1]))


def _callbacks(training: Training) -> list[Node]:
    made = [_callback(callback) for callback in training.callbacks]
    if training.on_nonfinite == "stop" and not any(isinstance(one, TerminateOnNaN) for one in training.callbacks):
        made.append(call("keras.callbacks.TerminateOnNaN"))
    return made


def _callback(callback: Callback) -> Node:
    made = constructor(callback)
    if not isinstance(callback, LearningRateScheduler):
        return made
    # Keras takes a function of the epoch.
    function = f"lambda epoch: float({render(constructor(callback.schedule))}(epoch))"
    arguments = tuple((name, function if name == "schedule" else node) for name, node in made.arguments)
    return Group(made.opening, arguments)


def _class_weight(source: Source, report: Report) -> None:
    given, classes = report.spec.training.class_weight, report.task.classes or ()
    if isinstance(given, Mapping):
        weights = by_label(given, classes, signs=isinstance(report.spec.training.loss, SIGN_LOSSES))
        source.block(f"class_weight = {weights!r}")
        return
    source.use("numpy as np")
    source.use_from("sklearn.utils.class_weight", "compute_class_weight")
    one_hot = report.spec.data.target.encode is not None
    source.block(
        f"labels = {'y_train.argmax(axis=1)' if one_hot else 'y_train'}",
        'weights = compute_class_weight("balanced", classes=np.unique(labels), y=labels)',
        "class_weight = {int(label): float(weight) for label, weight in zip(np.unique(labels), weights)}",
    )
