"""Loss, metrics and callbacks against the target and the output."""

import pytest

from stackyard.spec import parse
from stackyard.spec.training.schedules import ExponentialDecay
from tests.spec.documents import (
    IRIS,
    MNIST,
    REGRESSION,
    SPEC,
    as_arrays,
    changed,
    checked,
    column,
    encode,
    labels,
    refused,
    table,
)

YES_OR_NO = table(column("a"), labels("target", [0, 1]))
WINE = table(column("a"), labels("target", [3, 4, 5]))
WORDS = table(column("a"), column("target", "text", categories=["no", "perhaps", "yes"]))
TWO_WORDS = table(column("a"), column("target", "text", categories=["no", "yes"]))

ONE_HOT = {"data": {"target": {"encode": "one_hot"}}, "training": {"loss": "categorical_crossentropy"}}
ONE_UNIT = {"network": {"layers": [{"type": "Dense", "units": 1, "activation": "sigmoid"}]}}


def loss(name):
    return {"training": {"loss": name}}


@pytest.mark.parametrize(
    ("document", "dataset"),
    [
        (SPEC, IRIS),
        (changed(loss("categorical_generalized_cross_entropy")), IRIS),
        (changed(ONE_HOT), IRIS),
        (changed(ONE_HOT, loss("kl_divergence")), IRIS),
        (changed(ONE_HOT, loss("mse")), IRIS),
        (changed(ONE_HOT, loss("binary_crossentropy")), IRIS),
        (SPEC, WORDS),
        (changed(ONE_HOT), WORDS),
        (changed(ONE_HOT), WINE),
        (changed(ONE_UNIT, loss("binary_crossentropy")), YES_OR_NO),
        (changed(ONE_UNIT, loss("bce")), TWO_WORDS),
        (changed(ONE_UNIT, loss("hinge")), TWO_WORDS),
        (changed(REGRESSION), IRIS),
        (changed(ONE_UNIT, loss("mse")), WINE),
        (as_arrays(), MNIST),
    ],
)
def test_a_loss_that_fits(document, dataset):
    assert checked(document, dataset)


@pytest.mark.parametrize(
    ("document", "dataset", "pointer", "words"),
    [
        (changed({"data": {"target": {"encode": "one_hot"}}}), IRIS, "/training/loss", "labels"),
        (changed(loss("categorical_crossentropy")), IRIS, "/training/loss", "one_hot"),
        (changed(SPEC), WINE, "/training/loss", "3 values from 3 to 5"),
        (changed({"data": {"target": {"divide_by": 2}}}), IRIS, "/training/loss", "divided"),
        (changed({"data": {"target": {"standard": True}}}), IRIS, "/training/loss", "standardised"),
        (changed({"data": {"target": {"column": "petal_w"}}}), IRIS, "/training/loss", "numbers"),
        (changed(ONE_UNIT, loss("binary_crossentropy")), IRIS, "/training/loss", "from 0 to 1"),
        (changed(ONE_UNIT, loss("binary_crossentropy")), WORDS, "/training/loss", "from 0 to 1"),
        (changed(ONE_UNIT, loss("mse")), WORDS, "/training/loss", "text"),
        (changed(ONE_UNIT, loss("hinge")), WINE, "/training/loss", "-1 to 1"),
        (changed({"training": {"loss": {"type": "SparseCategoricalCrossentropy", "axis": 0}}}), IRIS,
         "/training/loss/axis", "-1"),
        (changed(REGRESSION, {"training": {"loss": {"type": "CosineSimilarity", "axis": 2}}}), IRIS,
         "/training/loss/axis", "from -2 to 1"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)  # fmt: skip
def test_a_loss_that_does_not(document, dataset, pointer, words):
    found = refused(document, dataset)
    assert words in found[pointer], found


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
def test_a_metric_that_does_not_fit_labels(metric, at, words):
    found = refused(changed({"training": {"metrics": ["accuracy", metric]}}))
    assert words in found[f"/training/metrics/1{at}"]


@pytest.mark.parametrize(
    ("metric", "at", "words"),
    [
        ("sparse_categorical_accuracy", "", "encoded one_hot"),
        ({"type": "Precision", "class_id": 3}, "/class_id", "at most 2"),
        ({"type": "Recall", "top_k": 4}, "/top_k", "at most 3"),
        ({"type": "CosineSimilarity", "axis": 5}, "/axis", "from -2 to 1"),
    ],
)
def test_a_metric_that_does_not_fit_classes(metric, at, words):
    found = refused(changed(ONE_HOT, {"training": {"metrics": [metric]}}))
    assert words in found[f"/training/metrics/0{at}"]


def test_f1_needs_a_number_for_each_class_as_in_keras():
    document = changed(ONE_UNIT, loss("bce"), {"training": {"metrics": ["f1_score"]}})
    assert "one_hot" in refused(document, YES_OR_NO)["/training/metrics/0"]


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
def test_columns_of_the_history_do_not_clash(metrics, pointer):
    assert "differ" in refused(changed({"training": {"metrics": metrics}}))[pointer]


class TestMonitor:
    def stop(self, *changes, **arguments):
        return changed({"training": {"callbacks": [{"type": "EarlyStopping", **arguments}]}}, *changes)

    @pytest.mark.parametrize("name", ["loss", "accuracy", "val_loss", "val_accuracy"])
    def test_what_there_is_can_be_waited_for(self, name):
        assert name in checked(self.stop(monitor=name)).metrics

    def test_what_there_is_not_cannot(self):
        message = refused(self.stop(monitor="val_acuracy"))["/training/callbacks/0/monitor"]
        assert "accuracy, loss, val_accuracy, val_loss" in message
        assert 'did you mean "val_accuracy"' in message

    def test_validation_is_missed_by_name(self):
        without = {"data": {"split": ...}}
        assert (
            "data.split.validation" in refused(self.stop(without, monitor="val_loss"))["/training/callbacks/0/monitor"]
        )

    def test_a_default_is_pointed_at_where_it_comes_from(self):
        document = changed({"data": {"split": ...}, "training": {"callbacks": ["EarlyStopping"]}})
        assert refused(document).keys() == {"/training/callbacks/0"}

    def test_keras_does_not_know_the_direction_of_a_count(self):
        count = {"training": {"metrics": ["true_positives"]}}
        document = changed(
            ONE_HOT, count, {"training": {"callbacks": [{"type": "EarlyStopping", "monitor": "true_positives"}]}}
        )
        assert '"min" or "max"' in refused(document)["/training/callbacks/0"]
        document["training"]["callbacks"][0]["mode"] = "max"
        assert checked(document)

    def test_a_learning_rate_is_seen_by_who_comes_after_it_is_written(self):
        schedule = {"type": "ExponentialDecay", "initial_learning_rate": 0.1, "decay_steps": 1, "decay_rate": 0.5}
        setter = {"type": "LearningRateScheduler", "schedule": schedule}
        stop = {"type": "EarlyStopping", "monitor": "learning_rate", "mode": "min"}
        assert checked(changed({"training": {"callbacks": [setter, stop]}}))
        found = refused(changed({"training": {"callbacks": [stop, setter]}}))
        assert "val_loss; received" in found["/training/callbacks/0/monitor"]
        found = refused(changed({"training": {"callbacks": [setter, stop | {"mode": "auto"}]}}))
        assert '"min" or "max"' in found["/training/callbacks/1/mode"]

    def test_a_plateau_waits_like_a_stop(self):
        document = changed({"training": {"callbacks": [{"type": "ReduceLROnPlateau", "monitor": "mae"}]}})
        assert "learning_rate" in refused(document)["/training/callbacks/0/monitor"]


DECAY = {"type": "ExponentialDecay", "initial_learning_rate": 0.1, "decay_steps": 10, "decay_rate": 0.5}
SCHEDULER = {"type": "LearningRateScheduler", "schedule": DECAY}


def with_callback(callback, **training):
    return changed({"training": {"callbacks": [callback], **training}})


class TestCallbacks:
    @pytest.mark.parametrize("callback", [SCHEDULER, "ReduceLROnPlateau", {"type": "reduce_lr_on_plateau"}])
    def test_who_sets_the_rate_adds_a_column(self, callback):
        assert checked(with_callback(callback)).metrics[-1] == "learning_rate"
        metric = {"type": "Accuracy", "name": "learning_rate"}
        assert "differ" in refused(with_callback(callback, metrics=[metric]))["/training/metrics/0"]
        assert checked(changed({"training": {"metrics": [metric]}}))

    @pytest.mark.parametrize("callback", [SCHEDULER, "ReduceLROnPlateau"])
    def test_the_rate_is_set_by_one_alone(self, callback):
        found = refused(with_callback(callback, optimizer={"type": "SGD", "learning_rate": DECAY}))
        assert "ExponentialDecay" in found["/training/callbacks/0"]
        assert checked(with_callback(callback, optimizer={"type": "SGD", "learning_rate": 0.1}))

    def test_running_means_are_needed_to_be_swapped(self):
        assert "use_ema" in refused(with_callback("SwapEMAWeights", optimizer="adam"))["/training/callbacks/0"]
        assert checked(with_callback("SwapEMAWeights", optimizer={"type": "Adam", "use_ema": True}))

    def test_nan_ends_a_training_or_does_not(self):
        assert checked(with_callback("TerminateOnNaN"))
        assert checked(changed({"training": {"on_nonfinite": "continue"}}))
        found = refused(with_callback("TerminateOnNaN", on_nonfinite="continue"))
        assert "leave out one" in found["/training/callbacks/0"]

    @pytest.mark.parametrize(
        ("callback", "at", "words"),
        [
            ({"type": "TerminateOnNaN", "raise_error": True}, "/raise_error", "diverged"),
            ({"type": "LearningRateScheduler", "schedule": 0.1}, "/schedule", 'an object with a "type"'),
            ({"type": "LearningRateScheduler"}, "", '"schedule"'),
            ({"type": "ReduceLROnPlateau", "factor": 1.0}, "/factor", "less than 1"),
            ({"type": "ModelCheckpoint", "filepath": "x"}, "/type", "one of EarlyStopping"),
        ],
    )
    def test_what_no_callback_takes(self, callback, at, words):
        assert words in refused(with_callback(callback))[f"/training/callbacks/0{at}"]


class TestLearningRate:
    def refusals(self, rate):
        found = refused(changed({"training": {"optimizer": {"type": "SGD", "learning_rate": rate}}}))
        return {pointer.removeprefix("/training/optimizer/learning_rate"): words for pointer, words in found.items()}

    @pytest.mark.parametrize("rate", ["fast", "ExponentialDecay", None, True, [0.1]])
    def test_it_is_a_number_or_an_object(self, rate):
        assert 'expected a number, or a schedule: an object with a "type"' in self.refusals(rate)[""]

    def test_a_number_is_positive(self):
        assert "greater than 0" in self.refusals(0)[""]

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
    def test_a_schedule_is_whole(self, rate, at, words):
        assert words in self.refusals(rate)[at]

    def test_names_may_be_written_as_keras_writes_functions(self):
        rate = DECAY | {"type": "exponential_decay"}
        spec = parse(encode(changed({"training": {"optimizer": {"type": "SGD", "learning_rate": rate}}})))
        assert spec.training.optimizer.learning_rate == ExponentialDecay(
            initial_learning_rate=0.1, decay_steps=10, decay_rate=0.5
        )
        assert parse(spec.model_dump_json().encode()) == spec


def test_everything_is_said_at_once():
    document = changed(
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
    } <= refused(document).keys()


@pytest.mark.parametrize("metric", ["F1Score", "FBetaScore", {"type": "R2Score", "class_aggregation": None}])
def test_a_metric_of_one_number_for_each_output_has_no_place_in_a_history(metric):
    document = changed(ONE_HOT, {"training": {"metrics": [metric]}})
    [(pointer, message)] = refused(document).items()
    assert pointer.startswith("/training/metrics/0")
    assert "one number for all 3 outputs" in message


def test_the_mean_over_the_classes_has():
    assert checked(changed(ONE_HOT, {"training": {"metrics": [{"type": "F1Score", "average": "macro"}]}}))
