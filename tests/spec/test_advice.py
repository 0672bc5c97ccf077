"""What is legal and probably wrong, and how it is said."""

import pytest

from tests.spec.documents import IRIS, MNIST, REGRESSION, as_arrays, changed, checked, column, labels, table

WIDE = table(column("cement", maximum=540.0), column("age", maximum=365.0), column("strength"), rows=1000)
GROUPED = table(
    column("size"), column("artist", "text", categories=["a", "b", "c"]), labels("target", [0, 1, 2]), rows=1000
)


def given(document, dataset=IRIS) -> dict[str, str]:
    """The warnings' pointers by their codes; each has something to say and something better."""
    warnings = checked(document, dataset).warnings
    assert all(warning.message and warning.fix for warning in warnings)
    return {warning.code: warning.pointer for warning in warnings}


def concrete(*layers, **changes):
    network = {"network": {"layers": [*layers, {"type": "Dense", "units": 1}]}}
    target = {"data": {"target": {"column": "strength"}}}
    return changed(REGRESSION, target, network, {"training": {"optimizer": "sgd"}}, changes)


def test_a_sound_spec_gets_no_warning():
    assert given(changed({})) == {}


class TestUnscaled:
    def test_sgd_on_great_numbers(self):
        assert given(concrete(), WIDE) == {"unscaled_features": "/data"}

    @pytest.mark.parametrize(
        "document",
        [
            concrete({"type": "BatchNormalization"}),
            concrete(data={"features": [{"columns": ["cement", "age"], "transform": "standard"}]}),
            concrete(training={"optimizer": "adam"}),
            concrete(training={"optimizer": {"type": "SGD", "clipnorm": 1.0}}),
        ],
    )
    def test_what_keeps_it_from_diverging(self, document):
        assert given(document, WIDE) == {}

    def test_pixels(self):
        document = as_arrays({"training": {"optimizer": "sgd"}})
        assert given(document, MNIST) == {"unscaled_features": "/data/x"}
        assert given(changed({"data": {"normalize": {"axis": 1}}}, base=document), MNIST) == {}


BY_ARTIST = {"method": "group", "column": "artist", "train_fraction": 0.5}
BY_CHANCE = {"method": "random", "train_fraction": 0.5}


class TestGroups:
    def split(self, features=("size",), **split):
        columns = {"features": [{"columns": [name]} for name in features if name == "size"]}
        columns["features"] += [{"columns": ["artist"], "transform": "one_hot"}] if "artist" in features else []
        document = changed({"data": {"split": ..., **columns}})
        document["data"]["split"] = split
        return given(document, GROUPED)

    def test_a_group_as_a_feature(self):
        found = self.split(("size", "artist"), validation=BY_ARTIST)
        assert found == {"group_among_features": "/data/features/1/columns/0"}

    def test_a_test_set_that_shares_groups_with_training(self):
        found = self.split(validation=BY_ARTIST, test=BY_CHANCE)
        assert found == {"groups_shared": "/data/split/test"}

    def test_a_test_set_by_the_same_groups_does_not(self):
        assert self.split(validation=BY_ARTIST, test=BY_ARTIST) == {}


class TestLayers:
    def ending(self, *layers, **training):
        return given(changed({"network": {"layers": [{"type": "Dense", "units": 3}, *layers]}, "training": training}))

    def test_dropout_after_the_last_layer(self):
        softmax = {"type": "Activation", "activation": "softmax"}
        found = self.ending({"type": "Dropout", "rate": 0.5}, softmax)
        assert found == {"noise_on_output": "/network/layers/1"}

    def test_a_crossentropy_of_numbers_that_are_no_shares(self):
        assert self.ending() == {"logits_as_shares": "/network/layers/0"}

    def test_a_softmax_twice(self):
        loss = {"type": "SparseCategoricalCrossentropy", "from_logits": True}
        assert self.ending("Softmax", loss=loss) == {"activation_twice": "/training/loss"}
        assert self.ending(loss=loss) == {}

    def test_a_softmax_with_a_distance(self):
        document = changed(
            {"data": {"target": {"encode": "one_hot"}}, "training": {"loss": "mae", "metrics": []}},
        )
        assert given(document) == {"softmax_with_distance": "/training/loss"}


def test_a_batch_larger_than_the_data():
    assert given(changed({"training": {"batch_size": 121}})) == {"batch_larger_than_data": "/training/batch_size"}
    assert given(changed({"training": {"batch_size": 120}})) == {}
