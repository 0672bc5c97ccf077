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

    @pytest.mark.parametrize(
        "document",
        [
            build_concrete_regression({"type": "BatchNormalization"}),
            build_concrete_regression(data={"features": [{"columns": ["cement", "age"], "transform": "standard"}]}),
            build_concrete_regression(training={"optimizer": "adam"}),
            build_concrete_regression(training={"optimizer": {"type": "SGD", "clipnorm": 1.0}}),
        ],
    )
    def test_scaling_clipping_or_another_optimizer_prevents_the_warning(self, document):
        assert list_warnings(document, WIDE) == {}

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
