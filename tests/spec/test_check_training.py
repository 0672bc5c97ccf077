"""Loss, metrics and callbacks against the target and the output."""

import pytest

from tests.spec.documents import (
    IRIS,
    MNIST,
    REGRESSION,
    SPEC,
    as_arrays,
    changed,
    checked,
    column,
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
        assert "loss, accuracy, val_loss, val_accuracy" in message
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
