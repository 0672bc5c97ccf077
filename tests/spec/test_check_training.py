"""Check the loss, the metrics and the callbacks against the target and the output."""

import pytest

from stackyard.spec import parse_spec
from stackyard.spec.training.metric_directions import resolve_modes
from stackyard.spec.training.metrics import resolve_metric
from stackyard.spec.training.schedules import ExponentialDecay
from tests.spec.documents import (
    IRIS,
    MNIST,
    REGRESSION,
    SPEC,
    apply_changes,
    build_array_spec,
    build_column,
    build_label_column,
    build_table,
    check_document,
    collect_faults,
    encode_json,
)

BINARY_LABELS = build_table(build_column("a"), build_label_column("target", [0, 1]))
GAPPED_LABELS = build_table(build_column("a"), build_label_column("target", [3, 4, 5]))
TEXTS = build_table(build_column("a"), build_column("target", "text", categories=["no", "perhaps", "yes"]))
BINARY_TEXTS = build_table(build_column("a"), build_column("target", "text", categories=["no", "yes"]))

ONE_HOT = {"data": {"target": {"encode": "one_hot"}}, "training": {"loss": "categorical_crossentropy"}}
ONE_UNIT = {"network": {"layers": [{"type": "Dense", "units": 1, "activation": "sigmoid"}]}}


def set_loss(name):
    return {"training": {"loss": name}}


@pytest.mark.parametrize(
    ("document", "dataset"),
    [
        (SPEC, IRIS),
        (apply_changes(set_loss("categorical_generalized_cross_entropy")), IRIS),
        (apply_changes(ONE_HOT), IRIS),
        (apply_changes(ONE_HOT, set_loss("kl_divergence")), IRIS),
        (apply_changes(ONE_HOT, set_loss("mse")), IRIS),
        (apply_changes(ONE_HOT, set_loss("binary_crossentropy")), IRIS),
        (SPEC, TEXTS),
        (apply_changes(ONE_HOT), TEXTS),
        (apply_changes(ONE_HOT), GAPPED_LABELS),
        (apply_changes(ONE_UNIT, set_loss("binary_crossentropy")), BINARY_LABELS),
        (apply_changes(ONE_UNIT, set_loss("bce")), BINARY_TEXTS),
        (apply_changes(ONE_UNIT, set_loss("hinge")), BINARY_TEXTS),
        (apply_changes(REGRESSION), IRIS),
        (apply_changes(ONE_UNIT, set_loss("mse")), GAPPED_LABELS),
        (build_array_spec(), MNIST),
    ],
)
def test_a_loss_that_fits_the_target_is_accepted(document, dataset):
    assert check_document(document, dataset)


@pytest.mark.parametrize(
    ("document", "dataset", "pointer", "words"),
    [
        (apply_changes({"data": {"target": {"encode": "one_hot"}}}), IRIS, "/training/loss", "labels"),
        (apply_changes(set_loss("categorical_crossentropy")), IRIS, "/training/loss", "one_hot"),
        (apply_changes(SPEC), GAPPED_LABELS, "/training/loss", "3 values from 3 to 5"),
        (apply_changes({"data": {"target": {"divide_by": 2}}}), IRIS, "/training/loss", "divide_by scales them"),
        (apply_changes({"data": {"target": {"standard": True}}}), IRIS, "/training/loss", "standard scales them"),
        (apply_changes({"data": {"target": {"column": "petal_w"}}}), IRIS, "/training/loss", "numbers"),
        (apply_changes(ONE_UNIT, set_loss("binary_crossentropy")), IRIS, "/training/loss", "from 0 to 1"),
        (apply_changes(ONE_UNIT, set_loss("binary_crossentropy")), TEXTS, "/training/loss", "from 0 to 1"),
        (apply_changes(ONE_UNIT, set_loss("mse")), TEXTS, "/training/loss", "text"),
        (apply_changes(ONE_UNIT, set_loss("hinge")), GAPPED_LABELS, "/training/loss", "-1 to 1"),
        (apply_changes({"training": {"loss": {"type": "SparseCategoricalCrossentropy", "axis": 0}}}), IRIS,
         "/training/loss/axis", "-1"),
        (apply_changes(REGRESSION, {"training": {"loss": {"type": "CosineSimilarity", "axis": 2}}}), IRIS,
         "/training/loss/axis", "from -2 to 1"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)  # fmt: skip
def test_a_loss_that_does_not_fit_the_target_is_refused(document, dataset, pointer, words):
    faults = collect_faults(document, dataset)
    assert words in faults[pointer], faults


@pytest.mark.parametrize(
    ("metric", "at", "words"),
    [
        ("categorical_accuracy", "", "one_hot"),
        ("mae", "", "Sparse"),
        ("auc", "", "from 0 to 1"),
        ("f1_score", "", "from 0 to 1"),
        ("mean_squared_error", "", "accuracy"),
    ],
)
def test_a_metric_that_does_not_fit_labels_is_refused(metric, at, words):
    faults = collect_faults(apply_changes({"training": {"metrics": ["accuracy", metric]}}))
    assert words in faults[f"/training/metrics/1{at}"]


@pytest.mark.parametrize(
    ("metric", "at", "words"),
    [
        ("sparse_categorical_accuracy", "", "encoded one_hot"),
        ({"type": "Precision", "class_id": 3}, "/class_id", "at most 2"),
        ({"type": "Recall", "top_k": 4}, "/top_k", "at most 3"),
        ({"type": "CosineSimilarity", "axis": 5}, "/axis", "from -2 to 1"),
    ],
)
def test_a_metric_that_does_not_fit_classes_is_refused(metric, at, words):
    faults = collect_faults(apply_changes(ONE_HOT, {"training": {"metrics": [metric]}}))
    assert words in faults[f"/training/metrics/0{at}"]


@pytest.mark.parametrize("metric", [{"type": "F1Score", "threshold": 0.5}, "fbeta_score", "r2_score"])
def test_a_score_takes_one_column(metric):
    document = apply_changes(ONE_UNIT, set_loss("bce"), {"training": {"metrics": [metric]}})
    assert check_document(document, BINARY_LABELS).output_shape == (1,)


def test_the_fix_of_a_score_of_several_classes_suffices():
    training = {"metrics": [{"type": "F1Score", "average": "macro"}]}
    fault = collect_faults(apply_changes({"training": training}))["/training/metrics/0"]
    assert 'encode the target "one_hot", use the loss "categorical_crossentropy"' in fault
    fixed = {"data": {"target": {"encode": "one_hot"}}, "training": {"loss": "categorical_crossentropy"} | training}
    assert check_document(apply_changes(fixed)).output_shape == (3,)


@pytest.mark.parametrize(
    ("metrics", "pointer"),
    [
        (["accuracy", "accuracy"], "/training/metrics/1"),
        (["accuracy", {"type": "Accuracy", "name": "accuracy"}], "/training/metrics/1"),
        ([{"type": "Accuracy", "name": "loss"}], "/training/metrics/0"),
        (["accuracy", {"type": "Accuracy", "name": "val_accuracy"}], "/training/metrics/1"),
        ([{"type": "Accuracy", "name": "val_loss"}], "/training/metrics/0"),
    ],
)
def test_metrics_with_the_same_history_column_are_refused(metrics, pointer):
    assert "differ" in collect_faults(apply_changes({"training": {"metrics": metrics}}))[pointer]


class TestMonitor:
    def stop_early(self, *changes, **arguments):
        return apply_changes({"training": {"callbacks": [{"type": "EarlyStopping", **arguments}]}}, *changes)

    @pytest.mark.parametrize("name", ["loss", "accuracy", "val_loss", "val_accuracy"])
    def test_a_column_of_the_history_can_be_monitored(self, name):
        assert name in check_document(self.stop_early(monitor=name)).metrics

    def test_an_unknown_column_cannot_be_monitored(self):
        message = collect_faults(self.stop_early(monitor="val_acuracy"))["/training/callbacks/0/monitor"]
        assert "accuracy, loss, val_accuracy, val_loss" in message
        assert 'did you mean "val_accuracy"' in message

    def test_monitoring_a_validation_column_needs_a_validation_split(self):
        unsplit = {"data": {"split": ...}}
        assert (
            "data.split.validation"
            in collect_faults(self.stop_early(unsplit, monitor="val_loss"))["/training/callbacks/0/monitor"]
        )

    def test_a_fault_of_a_default_points_at_the_callback(self):
        document = apply_changes({"data": {"split": ...}, "training": {"callbacks": ["EarlyStopping"]}})
        assert collect_faults(document).keys() == {"/training/callbacks/0"}

    @pytest.mark.parametrize(("count", "mode"), [("true_negatives", "max"), ("false_positives", "min")])
    def test_a_count_has_the_direction_of_its_class(self, count, mode):
        callbacks = [{"type": "EarlyStopping", "monitor": "val_right"}, {"type": "ReduceLROnPlateau"}]
        metric = {"training": {"metrics": [{"type": count, "name": "right"}], "callbacks": callbacks}}
        training = check_document(apply_changes(ONE_HOT, metric)).spec.training
        assert [callback.mode for callback in resolve_modes(training)] == [mode, "auto"]

    def test_the_learning_rate_can_be_monitored_only_after_a_callback_sets_it(self):
        schedule = {"type": "ExponentialDecay", "initial_learning_rate": 0.1, "decay_steps": 1, "decay_rate": 0.5}
        setter = {"type": "LearningRateScheduler", "schedule": schedule}
        stop = {"type": "EarlyStopping", "monitor": "learning_rate", "mode": "min"}
        assert check_document(apply_changes({"training": {"callbacks": [setter, stop]}}))
        faults = collect_faults(apply_changes({"training": {"callbacks": [stop, setter]}}))
        assert "val_loss; received" in faults["/training/callbacks/0/monitor"]
        faults = collect_faults(apply_changes({"training": {"callbacks": [setter, stop | {"mode": "auto"}]}}))
        assert '"min" or "max"' in faults["/training/callbacks/1/mode"]

    def test_reduce_lr_on_plateau_checks_its_monitor(self):
        document = apply_changes({"training": {"callbacks": [{"type": "ReduceLROnPlateau", "monitor": "mae"}]}})
        assert "learning_rate" in collect_faults(document)["/training/callbacks/0/monitor"]


DECAY = {"type": "ExponentialDecay", "initial_learning_rate": 0.1, "decay_steps": 10, "decay_rate": 0.5}
SCHEDULER = {"type": "LearningRateScheduler", "schedule": DECAY}


def with_callback(callback, **training):
    return apply_changes({"training": {"callbacks": [callback], **training}})


class TestCallbacks:
    @pytest.mark.parametrize("callback", [SCHEDULER, "ReduceLROnPlateau", {"type": "reduce_lr_on_plateau"}])
    def test_a_callback_that_sets_the_learning_rate_adds_a_column(self, callback):
        assert check_document(with_callback(callback)).metrics[-1] == "learning_rate"
        metric = {"type": "Accuracy", "name": "learning_rate"}
        assert "differ" in collect_faults(with_callback(callback, metrics=[metric]))["/training/metrics/0"]
        assert check_document(apply_changes({"training": {"metrics": [metric]}}))

    @pytest.mark.parametrize("callback", [SCHEDULER, "ReduceLROnPlateau"])
    def test_a_callback_and_a_schedule_cannot_both_set_the_learning_rate(self, callback):
        faults = collect_faults(with_callback(callback, optimizer={"type": "SGD", "learning_rate": DECAY}))
        assert "ExponentialDecay" in faults["/training/callbacks/0"]
        assert check_document(with_callback(callback, optimizer={"type": "SGD", "learning_rate": 0.1}))

    def test_swap_ema_weights_needs_an_optimizer_with_ema(self):
        assert "use_ema" in collect_faults(with_callback("SwapEMAWeights", optimizer="adam"))["/training/callbacks/0"]
        assert check_document(with_callback("SwapEMAWeights", optimizer={"type": "Adam", "use_ema": True}))

    def test_terminate_on_nan_contradicts_continuing(self):
        assert check_document(with_callback("TerminateOnNaN"))
        assert check_document(apply_changes({"training": {"on_nonfinite": "continue"}}))
        faults = collect_faults(with_callback("TerminateOnNaN", on_nonfinite="continue"))
        assert "leave out one" in faults["/training/callbacks/0"]

    @pytest.mark.parametrize(
        ("callback", "at", "words"),
        [
            ({"type": "TerminateOnNaN", "raise_error": True}, "/raise_error", "diverged"),
            ({"type": "LearningRateScheduler", "schedule": 0.1}, "/schedule", 'an object with a "type"'),
            ({"type": "LearningRateScheduler"}, "", '"schedule"'),
            ({"type": "ReduceLROnPlateau", "factor": 1.0}, "/factor", "less than 1"),
            ({"type": "ModelCheckpoint", "filepath": "x"}, "/type", "writes files"),
        ],
    )
    def test_unsuitable_callback_arguments_are_refused(self, callback, at, words):
        assert words in collect_faults(with_callback(callback))[f"/training/callbacks/0{at}"]


class TestLearningRate:
    def list_faults(self, rate):
        faults = collect_faults(apply_changes({"training": {"optimizer": {"type": "SGD", "learning_rate": rate}}}))
        return {pointer.removeprefix("/training/optimizer/learning_rate"): words for pointer, words in faults.items()}

    @pytest.mark.parametrize("rate", ["fast", "ExponentialDecay", None, True, [0.1]])
    def test_other_types_are_refused(self, rate):
        assert 'expected a number, or a schedule: an object with a "type"' in self.list_faults(rate)[""]

    def test_zero_is_refused(self):
        assert "greater than 0" in self.list_faults(0)[""]

    @pytest.mark.parametrize(
        ("rate", "at", "words"),
        [
            ({}, "", "one of CosineDecay"),
            ({"type": "Exponential"}, "/type", 'did you mean "ExponentialDecay"'),
            (DECAY | {"decay_steps": 0}, "/decay_steps", "at least 1"),
            (DECAY | {"decay_steps": 0.5}, "/decay_steps", "an integer"),
            (DECAY | {"steps": 1}, "/steps", "decay_steps"),
            ({"type": "PiecewiseConstantDecay", "boundaries": [1, 5, 5], "values": [1, 2, 3, 4]}, "/boundaries/2",
             "more than 5"),
            ({"type": "PiecewiseConstantDecay", "boundaries": [1, 5], "values": [1, 2]}, "/values", "3 values"),
            ({"type": "PiecewiseConstantDecay", "boundaries": [], "values": [1]}, "/boundaries", "at least 1"),
            ({"type": "CosineDecay", "initial_learning_rate": 0, "decay_steps": 1}, "/initial_learning_rate",
             "warmup_target"),
            ({"type": "CosineDecay", "initial_learning_rate": 0, "decay_steps": 1, "warmup_steps": 1}, "",
             "warmup_target"),
            ({"type": "CosineDecay", "initial_learning_rate": 0, "decay_steps": 1, "warmup_target": 1}, "",
             "warmup_steps"),
            ({"type": "CosineDecayRestarts", "initial_learning_rate": 1, "first_decay_steps": 1, "t_mul": 0.5},
             "/t_mul", "at least 1"),
        ],
    )  # fmt: skip
    def test_unsuitable_schedules_are_refused(self, rate, at, words):
        assert words in self.list_faults(rate)[at]

    def test_a_schedule_may_be_named_in_snake_case(self):
        rate = DECAY | {"type": "exponential_decay"}
        spec = parse_spec(
            encode_json(apply_changes({"training": {"optimizer": {"type": "SGD", "learning_rate": rate}}}))
        )
        assert spec.training.optimizer.learning_rate == ExponentialDecay(
            initial_learning_rate=0.1, decay_steps=10, decay_rate=0.5
        )
        assert parse_spec(spec.model_dump_json().encode()) == spec


def test_all_faults_are_reported_at_once():
    document = apply_changes(
        {
            "data": {
                "features": [{"columns": ["sepal_x", "petal_l"]}],
                "split": {"test": {"method": "last", "train_fraction": 0.001}},
            },
            "training": {"epochs": 10**9, "callbacks": [{"type": "EarlyStopping", "monitor": "x"}], "loss": "hinge"},
        }
    )
    assert {
        "/data/features/0/columns/0",
        "/data/split/test/train_fraction",
        "/training/epochs",
        "/training/callbacks/0/monitor",
        "/training/loss",
    } <= collect_faults(document).keys()


@pytest.mark.parametrize("metric", ["F1Score", "FBetaScore", {"type": "R2Score", "class_aggregation": None}])
def test_a_metric_with_a_number_for_each_output_is_refused(metric):
    document = apply_changes(ONE_HOT, {"training": {"metrics": [metric]}})
    [(pointer, message)] = collect_faults(document).items()
    assert pointer.startswith("/training/metrics/0")
    assert "one number for all 3 outputs" in message


def test_a_metric_averaged_over_the_classes_is_accepted():
    assert check_document(apply_changes(ONE_HOT, {"training": {"metrics": [{"type": "F1Score", "average": "macro"}]}}))


@pytest.mark.parametrize(
    "metric",
    ["Precision", "Recall", "TruePositives", "TrueNegatives", "FalsePositives", "FalseNegatives"],
)
def test_a_metric_with_a_number_for_each_threshold_is_refused(metric):
    document = apply_changes(ONE_HOT, {"training": {"metrics": [{"type": metric, "thresholds": [0.3, 0.5]}]}})
    assert "one threshold" in collect_faults(document)["/training/metrics/0/thresholds"]
    document["training"]["metrics"][0]["thresholds"] = [0.3]
    assert check_document(document)


@pytest.mark.parametrize(
    ("arguments", "at"),
    [
        ({"num_labels": 3}, "/num_labels"),
        ({"multi_label": True, "num_labels": 2}, "/num_labels"),
        ({"multi_label": True, "label_weights": [1, 2]}, "/label_weights"),
    ],
)
def test_labels_of_auc_fit_the_outputs(arguments, at):
    document = apply_changes(ONE_HOT, {"training": {"metrics": [{"type": "AUC", **arguments}]}})
    assert f"/training/metrics/0{at}" in collect_faults(document)


def test_a_number_for_a_single_output_is_accepted():
    metric = {"type": "R2Score", "class_aggregation": None}
    report = check_document(apply_changes(REGRESSION, {"training": {"metrics": [metric]}}))
    [r2_score] = report.spec.training.metrics
    assert resolve_metric(r2_score, report.spec.training.loss, 1).class_aggregation == "uniform_average"
    assert resolve_metric(r2_score, report.spec.training.loss, 2) is r2_score
