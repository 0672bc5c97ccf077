"""Warnings about settings that are valid but probably mistakes."""

import pytest

from tests.spec.documents import (
    IRIS,
    MNIST,
    REGRESSION,
    apply_changes,
    build_array_spec,
    build_column,
    build_label_column,
    build_table,
    check_document,
)

WIDE = build_table(
    build_column("cement", maximum=540.0), build_column("age", maximum=365.0), build_column("strength"), rows=1000
)
GROUPED = build_table(
    build_column("size"),
    build_column("artist", "text", categories=["a", "b", "c", "d"]),
    build_label_column("target", [0, 1, 2]),
    rows=1000,
)


def list_warnings(document, dataset=IRIS) -> dict[str, str]:
    """Return the pointers of the warnings by their codes; each warning must have a message and a fix."""
    warnings = check_document(document, dataset).warnings
    assert all(warning.message and warning.fix for warning in warnings)
    return {warning.code: warning.pointer for warning in warnings}


def build_concrete_regression(*layers, **changes):
    network = {"network": {"layers": [*layers, {"type": "Dense", "units": 1}]}}
    target = {"data": {"target": {"column": "strength"}}}
    return apply_changes(REGRESSION, target, network, {"training": {"optimizer": "sgd"}}, changes)


def test_a_spec_without_mistakes_gets_no_warning():
    assert list_warnings(apply_changes({})) == {}


class TestUnscaledFeatures:
    def test_sgd_on_large_features_gets_a_warning(self):
        assert list_warnings(build_concrete_regression(), WIDE) == {"unscaled_features": "/data"}

    @pytest.mark.parametrize("optimizer", ["adam", "rmsprop", {"type": "SGD", "clipnorm": 1.0}])
    def test_any_optimizer_on_large_features_gets_a_warning(self, optimizer):
        document = build_concrete_regression(training={"optimizer": optimizer})
        assert list_warnings(document, WIDE) == {"unscaled_features": "/data"}
        assert list_warnings(apply_changes(REGRESSION, {"training": {"optimizer": optimizer}})) == {}

    @pytest.mark.parametrize(
        "document",
        [
            build_concrete_regression({"type": "BatchNormalization"}),
            build_concrete_regression(data={"features": [{"columns": ["cement", "age"], "transform": "standard"}]}),
        ],
    )
    def test_scaling_prevents_the_warning(self, document):
        assert list_warnings(document, WIDE) == {}

    def test_indices_of_an_embedding_get_no_warning(self):
        table = build_table(build_column("item", "integer", minimum=0, maximum=500), build_column("strength"))
        embedding = {"type": "Embedding", "input_dim": 501, "output_dim": 2}
        assert list_warnings(build_concrete_regression(embedding, {"type": "Flatten"}), table) == {}

    def test_unscaled_pixels_get_a_warning(self):
        document = build_array_spec({"training": {"optimizer": "sgd"}})
        assert list_warnings(document, MNIST) == {"unscaled_features": "/data/x"}
        assert list_warnings(apply_changes({"data": {"normalize": {"axis": 1}}}, base=document), MNIST) == {}


BY_ARTIST = {"method": "group", "column": "artist", "train_fraction": 0.5}
RANDOMLY = {"method": "random", "train_fraction": 0.5}


class TestGroups:
    def warn_about_split(self, features=("size",), **split):
        columns = {"features": [{"columns": [name]} for name in features if name == "size"]}
        columns["features"] += [{"columns": ["artist"], "transform": "one_hot"}] if "artist" in features else []
        document = apply_changes({"data": {"split": ..., **columns}})
        document["data"]["split"] = split
        return list_warnings(document, GROUPED)

    def test_a_group_column_among_the_features_gets_a_warning(self):
        warnings = self.warn_about_split(("size", "artist"), validation=BY_ARTIST)
        assert warnings == {"group_among_features": "/data/features/1/columns/0"}

    def test_a_test_set_that_shares_groups_with_training_gets_a_warning(self):
        warnings = self.warn_about_split(validation=BY_ARTIST, test=RANDOMLY)
        assert warnings == {"groups_shared": "/data/split/test"}

    def test_a_test_set_split_by_the_same_groups_gets_no_warning(self):
        assert self.warn_about_split(validation=BY_ARTIST, test=BY_ARTIST) == {}


class TestRows:
    def test_one_hot_of_a_nearly_unique_column_gets_a_warning(self):
        names = build_column("name", "text", categories=[f"n{index:02}" for index in range(60)])
        features = {"features": [{"columns": ["name"], "transform": "one_hot"}]}
        document = apply_changes(REGRESSION, {"data": features})
        few, many = (build_table(names, build_column("petal_w"), rows=rows) for rows in (100, 200))
        assert list_warnings(document, few) == {"one_hot_nearly_unique": "/data/features/0/columns/0"}
        assert list_warnings(document, many) == {}

    @pytest.mark.parametrize(
        ("method", "warns"),
        [
            ({"method": "last", "train_fraction": 0.8}, True),
            ({"method": "train_test_split", "train_fraction": 0.8, "shuffle": False}, True),
            ({"method": "train_test_split", "train_fraction": 0.8}, False),
            ({"method": "random", "train_fraction": 0.8}, False),
        ],
    )
    def test_the_last_rows_of_a_sorted_table_get_a_warning(self, method, warns):
        target = build_label_column("target", [0, 1, 2])
        table = build_table(build_column("size"), target.model_copy(update={"is_sorted": True}))
        document = apply_changes({"data": {"split": ...}})
        document["data"]["split"] = {"test": method}
        assert list_warnings(document, table) == ({"sorted_rows": "/data/split/test"} if warns else {})

    def test_a_split_that_shuffles_the_rows_for_the_next_one_prevents_the_warning(self):
        target = build_label_column("target", [0, 1, 2])
        table = build_table(build_column("size"), target.model_copy(update={"is_sorted": True}))
        last, column = {"method": "last", "train_fraction": 0.8}, {"method": "column", "column": "size", "values": [1]}
        for test, warnings in ((RANDOMLY, {}), (column, {"sorted_rows": "/data/split/validation"})):
            document = apply_changes({"data": {"split": {"test": test, "validation": last}}})
            document["data"]["features"] = ["size"]
            assert list_warnings(document, table) == warnings


BINARY = build_table(build_column("size"), build_label_column("target", [0, 1]))


class TestMetrics:
    def warn_about_metrics(self, *metrics, loss=None, layer=None, dataset=BINARY):
        training = {"loss": loss or {"type": "BinaryCrossentropy", "from_logits": True}, "metrics": list(metrics)}
        network = {"layers": [layer or {"type": "Dense", "units": 1}]}
        return list_warnings(apply_changes({"network": network, "training": training}), dataset)

    @pytest.mark.parametrize(
        "metric",
        [
            "auc",
            "accuracy",
            "precision",
            "binary_crossentropy",
            {"type": "F1Score", "threshold": 0.5},
            {"type": "PrecisionAtRecall", "recall": 0.5},
            {"type": "Recall", "thresholds": 0.2},
        ],
    )
    def test_a_metric_that_reads_logits_as_probabilities_gets_a_warning(self, metric):
        assert self.warn_about_metrics(metric) == {"metric_over_logits": "/training/metrics/0"}
        sigmoid = {"type": "Dense", "units": 1, "activation": "sigmoid"}
        assert self.warn_about_metrics(metric, loss="binary_crossentropy", layer=sigmoid) == {}

    @pytest.mark.parametrize(
        "metric",
        [
            {"type": "AUC", "from_logits": True},
            {"type": "BinaryAccuracy", "threshold": 0},
            {"type": "Precision", "thresholds": 0},
            "mae",
        ],
    )
    def test_a_metric_that_reads_logits_gets_no_warning(self, metric):
        assert self.warn_about_metrics(metric) == {}

    def test_accuracy_of_several_logits_gets_no_warning(self):
        loss = {"type": "SparseCategoricalCrossentropy", "from_logits": True}
        layer = {"type": "Dense", "units": 3}
        assert self.warn_about_metrics("accuracy", loss=loss, layer=layer, dataset=IRIS) == {}

    @pytest.mark.parametrize("metric", ["PearsonCorrelation", "ConcordanceCorrelation", "CosineSimilarity"])
    def test_a_correlation_of_one_output_gets_a_warning(self, metric):
        warnings = self.warn_about_metrics(metric, loss="mse")
        assert warnings == {"correlation_of_one_output": "/training/metrics/0"}
        assert self.warn_about_metrics({"type": metric, "axis": 0}, loss="mse") == {}

    def test_a_cosine_of_one_output_as_the_loss_gets_a_warning(self):
        assert self.warn_about_metrics(loss="CosineSimilarity") == {"correlation_of_one_output": "/training/loss"}

    def test_a_score_of_one_output_needs_a_threshold(self):
        sigmoid = {"type": "Dense", "units": 1, "activation": "sigmoid"}
        warnings = self.warn_about_metrics("f1_score", loss="binary_crossentropy", layer=sigmoid)
        assert warnings == {"score_without_threshold": "/training/metrics/0"}


class TestLayers:
    def warn_about_last_layers(self, *layers, **training):
        return list_warnings(
            apply_changes({"network": {"layers": [{"type": "Dense", "units": 3}, *layers]}, "training": training})
        )

    def test_dropout_after_the_last_layer_gets_a_warning(self):
        softmax = {"type": "Activation", "activation": "softmax"}
        warnings = self.warn_about_last_layers({"type": "Dropout", "rate": 0.5}, softmax)
        assert warnings == {"noise_on_output": "/network/layers/1"}

    def test_a_crossentropy_on_outputs_that_are_not_probabilities_gets_a_warning(self):
        assert self.warn_about_last_layers() == {"logits_as_shares": "/network/layers/0"}

    def test_a_softmax_that_is_applied_twice_gets_a_warning(self):
        loss = {"type": "SparseCategoricalCrossentropy", "from_logits": True}
        assert self.warn_about_last_layers("Softmax", loss=loss) == {"activation_twice": "/training/loss"}
        assert self.warn_about_last_layers(loss=loss) == {}

    def test_a_softmax_with_a_distance_loss_gets_a_warning(self):
        document = apply_changes(
            {"data": {"target": {"encode": "one_hot"}}, "training": {"loss": "mae", "metrics": []}},
        )
        assert list_warnings(document) == {"softmax_with_distance": "/training/loss"}


def test_a_batch_larger_than_the_training_rows_gets_a_warning():
    assert list_warnings(apply_changes({"training": {"batch_size": 121}})) == {
        "batch_larger_than_data": "/training/batch_size"
    }
    assert list_warnings(apply_changes({"training": {"batch_size": 120}})) == {}


class TestUntrainedClasses:
    TARGET = build_label_column("target", [0, 1, 2]).model_copy(update={"rarest_category": 2, "rarest_rows": 1})

    def split(self, method, **changes):
        return apply_changes({"data": {"split": ...}}, {"data": {"split": {"validation": method}}}, changes)

    @pytest.mark.parametrize(
        "method",
        [
            {"method": "column", "column": "target", "values": [1]},
            {"method": "group", "column": "target", "train_fraction": 0.5},
        ],
    )
    def test_holding_out_classes_gets_a_warning(self, method):
        assert list_warnings(self.split(method)) == {"classes_not_trained": "/data/split/validation/column"}

    def test_a_class_of_one_row_gets_a_warning_only_where_it_is_a_class(self):
        method = {"method": "last", "train_fraction": 0.5}
        dataset = build_table(build_column("a"), self.TARGET)
        assert list_warnings(self.split(method), dataset) == {"class_of_one_row": "/data/target/column"}
        one_unit = {"layers": [{"type": "Dense", "units": 1}]}
        regression = self.split(method, network=one_unit, training={"loss": "mse"})
        assert list_warnings(regression, dataset) == {}
