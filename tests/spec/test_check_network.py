"""Shapes, parameters and limits. That they equal Keras's own is shown in tests/worker/test_foreseen.py."""

import pytest

from stackyard.spec import Limits
from tests.spec.documents import MNIST, REGRESSION, as_arrays, changed, checked, refused
from tests.work import lines

SOFTMAX = {"type": "Dense", "units": 3, "activation": "softmax"}
IMAGES = {"type": "Reshape", "target_shape": [2, 2, 1]}
STEPS = {"type": "Reshape", "target_shape": [2, 2]}


def stack(*layers):
    return changed({"network": {"layers": [*layers, SOFTMAX]}})


def test_the_report_tells_each_layer():
    report = checked(stack({"type": "Dense", "units": 8}, "BatchNormalization", {"type": "Dense", "units": 5}))
    told = [(layer.name, layer.output_shape, layer.parameters, layer.trainable_parameters) for layer in report.layers]
    assert told == [
        ("dense", (8,), 40, 40),
        ("batch_normalization", (8,), 32, 16),
        ("dense_1", (5,), 45, 45),
        ("dense_2", (3,), 18, 18),
    ]
    assert report.totals.model_dump() == {
        "parameters": 135,
        "trainable_parameters": 119,
        "non_trainable_parameters": 16,
    }


def test_a_frozen_layer_trains_nothing():
    report = checked(stack({"type": "Dense", "units": 8, "trainable": False}))
    assert (report.layers[0].parameters, report.layers[0].trainable_parameters) == (40, 0)


def test_the_report_is_json_with_shapes_as_lists():
    report = checked(changed({})).model_dump(mode="json")
    assert report["layers"][0]["output_shape"] == [8]
    assert report["spec"]["network"]["layers"][0]["kernel_initializer"]["type"] == "GlorotUniform"
    assert report["metrics"] == ["accuracy", "loss", "val_accuracy", "val_loss"]


@pytest.mark.parametrize(
    ("layer", "at", "words"),
    [
        ({"type": "BatchNormalization", "axis": 2}, "/axis", "1 or -1"),
        ({"type": "BatchNormalization", "axis": 0}, "/axis", "the batch"),
        ({"type": "LayerNormalization", "axis": [1, -1]}, "/axis/1", "once"),
        ({"type": "LayerNormalization", "axis": [-3]}, "/axis/0", "-3"),
        ({"type": "Softmax", "axis": -2}, "/axis", "the batch"),
        ({"type": "PReLU", "shared_axes": [1, 2]}, "/shared_axes/1", "2"),
        ({"type": "Dropout", "rate": 0.5, "noise_shape": [None]}, "/noise_shape", "2 sizes"),
        ({"type": "Dropout", "rate": 0.5, "noise_shape": [7, 1]}, "/noise_shape", "batch"),
        ({"type": "Dropout", "rate": 0.5, "noise_shape": [None, 3]}, "/noise_shape/1", "1 or 4"),
        ({"type": "Dense", "units": 1, "activation": "softmax"}, "/activation", "sigmoid"),
        ({"type": "Dense", "units": 2, "bias_initializer": "orthogonal"}, "/bias_initializer", "bias of shape [2]"),
        ({"type": "Dense", "units": 2, "bias_initializer": "identity"}, "/bias_initializer", "any shape"),
        (
            {"type": "Dense", "units": 2, "kernel_initializer": {"type": "HeNormal", "input_axes": [0, 2]}},
            "/kernel_initializer/input_axes/1",
            "-2 to 1",
        ),
        (
            {"type": "Dense", "units": 2, "bias_regularizer": "orthogonal_regularizer"},
            "/bias_regularizer",
            "any shape",
        ),
        (
            {"type": "Dense", "units": 2, "kernel_constraint": {"type": "MaxNorm", "axis": [0, 5]}},
            "/kernel_constraint/axis",
            "-2 to 1",
        ),
        (
            {"type": "Dense", "units": 2, "activity_regularizer": "orthogonal_regularizer"},
            "/activity_regularizer",
            "columns",
        ),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_a_layer_that_cannot_stand_there_is_refused(layer, at, words):
    found = refused(stack(layer))
    assert words in found[f"/network/layers/0{at}"], found


CONV = {"type": "Conv2D", "filters": 4, "kernel_size": 2}
LSTM = {"type": "LSTM", "units": 3}


@pytest.mark.parametrize(
    ("layers", "at", "words"),
    [
        ([CONV], "/0", "put a Reshape to 3 axes before"),
        (
            [IMAGES, CONV | {"kernel_size": 3}],
            "/1/kernel_size",
            'at most 2, the size of an axis of [2, 2], or the padding "same"',
        ),
        ([IMAGES, CONV | {"groups": 2}], "/1/groups", "a divisor of the 1 channels"),
        ([IMAGES, CONV | {"groups": 3}], "/1/groups", "a divisor of the 4 filters"),
        ([IMAGES, CONV | {"strides": 2, "dilation_rate": 2}], "/1/dilation_rate", "beside strides"),
        ([IMAGES, CONV | {"kernel_size": [2, 2, 2]}], "/1/kernel_size", "at most 2 elements, received 3"),
        ([IMAGES, CONV | {"data_format": "channels_first"}], "/1/data_format", "cannot be trained on a CPU"),
        (
            [IMAGES, {"type": "Conv2DTranspose", "filters": 1, "kernel_size": 2, "dilation_rate": 2}],
            "/1/dilation_rate",
            "cannot be trained on a CPU",
        ),
        (
            [IMAGES, {"type": "Conv2DTranspose", "filters": 1, "kernel_size": 2, "output_padding": 1}],
            "/1/output_padding",
            "less than the strides, [1, 1]",
        ),
        (
            [IMAGES, {"type": "DepthwiseConv2D", "kernel_size": 1, "strides": [1, 2]}],
            "/1/strides",
            "the same stride",
        ),
        ([IMAGES, {"type": "MaxPooling2D", "pool_size": [2, 3]}], "/1/pool_size", "received 3"),
        ([STEPS, {"type": "AdaptiveMaxPooling1D", "output_size": 1}], "/1/output_size", "take GlobalMaxPooling1D"),
        ([STEPS, {"type": "Cropping1D", "cropping": [1, 1]}], "/1/cropping", "less than 2 in all"),
        ([{"type": "Reshape", "target_shape": [3, -1]}], "/0/target_shape", "product is 4"),
        ([{"type": "Reshape", "target_shape": [-1, -1]}], "/0/target_shape", "-1 once"),
        ([{"type": "Reshape", "target_shape": [0]}], "/0/target_shape", "product is 4"),
        ([{"type": "Permute", "dims": [2, 1]}], "/0/dims", "1 dims"),
        ([{"type": "Permute", "dims": [1, 3]}], "/0/dims", "each number from 1 to 2"),
        ([STEPS, {"type": "RepeatVector", "n": 2}], "/1", "put a Flatten before"),
        ([{"type": "GroupNormalization", "groups": 3}], "/0/groups", "a divisor of the 4 channels"),
        (
            [{"type": "Reshape", "target_shape": [4, 1]}, {"type": "RMSNormalization", "axis": 1}],
            "/1/axis",
            "expected -1",
        ),
        ([{"type": "Rescaling", "scale": [1.0, 2.0]}], "/0/scale", "a list of 4"),
        (["Normalization"], "/0", "give both"),
        ([{"type": "Normalization", "mean": 0.0, "variance": [1.0]}], "/0/variance", "as many variances"),
        ([LSTM], "/0", "put a Reshape to 2 axes before"),
        ([STEPS, LSTM | {"return_state": True}], "/1/return_state", "one input"),
        ([STEPS, LSTM | {"use_cudnn": True}], "/1/use_cudnn", '"auto" or false'),
        ([STEPS, LSTM | {"stateful": True}], "/1/stateful", "may be smaller"),
        (
            [STEPS, LSTM | {"bias_initializer": "identity"}],
            "/1/bias_initializer",
            "any shape for bias of shape [12]",
        ),
        (
            [STEPS, {"type": "Bidirectional", "layer": LSTM, "backward_layer": LSTM}],
            "/1/backward_layer",
            "so that each goes one way",
        ),
        (
            [
                STEPS,
                {
                    "type": "Bidirectional",
                    "layer": LSTM | {"kernel_regularizer": "orthogonal", "units": 1, "activation": "softmax"},
                },
            ],
            "/1/layer/activation",
            "share is always 1",
        ),
        (
            [
                STEPS,
                {"type": "TimeDistributed", "layer": {"type": "Dense", "units": 2, "bias_initializer": "identity"}},
            ],
            "/1/layer/bias_initializer",
            "any shape",
        ),
        (
            [{"type": "SpectralNormalization", "layer": {"type": "Dense", "units": 2, "lora_rank": 1}}],
            "/0/layer/lora_rank",
            "several parts",
        ),
        (
            [{"type": "Embedding", "input_dim": 9, "output_dim": 2, "mask_zero": True}, "Softmax"],
            "/1",
            "no mask before Softmax",
        ),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_layers_that_do_not_fit_are_refused_with_the_fix(layers, at, words):
    found = refused(stack(*layers))
    assert words in found[f"/network/layers{at}"], found


@pytest.mark.parametrize(
    ("layers", "flops"),
    [
        ([{"type": "Dense", "units": 5, "activation": "relu"}], 2 * 4 * 5 + 5 + 5),
        ([IMAGES, CONV | {"padding": "same", "use_bias": False}], 2 * (2 * 2 * 1 * 4) * 4),
        (
            [IMAGES, {"type": "SeparableConv2D", "filters": 3, "kernel_size": 2, "depth_multiplier": 2}],
            2 * 8 + 2 * 6 + 3,
        ),
        ([IMAGES, {"type": "Conv2DTranspose", "filters": 3, "kernel_size": 2}], 2 * (2 * 2 * 3) * 4 + 3 * 3 * 3),
        ([IMAGES, "MaxPooling2D"], 4),
        ([STEPS, {"type": "SimpleRNN", "units": 3}], 2 * (2 * 2 * 3 + 2 * 3 * 3 + 3 + 3)),
        ([STEPS, LSTM], 2 * (2 * 2 * 12 + 2 * 3 * 12 + 12 + 9 * 3)),
        ([STEPS, {"type": "Bidirectional", "layer": LSTM}], 4 * (2 * 2 * 12 + 2 * 3 * 12 + 12 + 9 * 3)),
        ([STEPS, {"type": "TimeDistributed", "layer": {"type": "Dense", "units": 5}}], 2 * (2 * 2 * 5 + 5)),
        ([{"type": "Embedding", "input_dim": 9, "output_dim": 2}], 0),
        (["Flatten"], 0),
        (["ReLU"], 4),
    ],
)
def test_operations_are_counted(layers, flops):
    report = checked(stack(*layers, "Flatten"))
    assert report.layers[len(layers) - 1].flops == flops


def test_the_layers_within_take_names_too():
    layers = [STEPS, {"type": "Bidirectional", "layer": LSTM | {"return_sequences": True}}, LSTM]
    assert [layer.name for layer in checked(stack(*layers)).layers] == ["reshape", "bidirectional", "lstm_1", "dense"]


@pytest.mark.parametrize(
    "layer",
    [
        {"type": "Conv2D", "filters": 2**62, "kernel_size": [2**62, 1], "padding": "same"},
        {"type": "ZeroPadding2D", "padding": 2**62},
        {"type": "UpSampling2D", "size": 2**62},
        {"type": "Conv2DTranspose", "filters": 1, "kernel_size": 2**62},
        {"type": "TimeDistributed", "layer": {"type": "RepeatVector", "n": 2**62}},
    ],
    ids=lambda layer: layer["type"],
)
def test_huge_sizes_are_integers_and_nothing_else(layer):
    before = STEPS if layer["type"] == "TimeDistributed" else IMAGES
    found = refused(stack(before, layer, "Flatten"))
    assert any("(limit max_" in message for message in found.values())


def test_sizes_that_grow_without_end_are_left_early():
    found = refused(stack(STEPS, *[{"type": "UpSampling1D", "size": 2**62}] * 900))
    assert found == {"/network/layers/5": "expected smaller rows, received more than 2**256 numbers"}


def test_ten_times_the_layers_cost_ten_times_as_much():
    def cost(layers):
        document = stack(*[{"type": "Dense", "units": 4}, "BatchNormalization"] * (layers // 2 - 1), "Flatten")
        assert len(checked(document).layers) == layers
        return lines(lambda: checked(document))

    assert cost(1000) < 20 * cost(100)


def test_two_layers_of_one_name_are_refused():
    found = refused(stack({"type": "Dense", "units": 2, "name": "a"}, {"type": "Dense", "units": 2, "name": "a"}))
    assert "layer 0" in found["/network/layers/1/name"]


def test_a_name_that_keras_would_make_up_is_taken_too():
    found = refused(stack("Flatten", {"type": "Dense", "units": 2, "name": "dense"}))
    assert found.keys() == {"/network/layers/2"}


class TestOutput:
    def test_too_few_units_for_the_classes(self):
        found = refused(changed({"network": {"layers": [{"type": "Dense", "units": 2}]}}))
        assert "expected 3 units for the 3 classes" in found["/network/layers/0/units"]

    def test_a_regression_has_one_unit(self):
        found = refused(changed(REGRESSION, {"network": {"layers": [{"type": "Dense", "units": 2}]}}))
        assert "expected 1 unit" in found["/network/layers/0/units"]

    def test_the_layer_that_decides_is_named_though_others_follow(self):
        layers = [{"type": "Dense", "units": 4}, "BatchNormalization", {"type": "Activation", "activation": "softmax"}]
        assert "/network/layers/0/units" in refused(changed({"network": {"layers": layers}}))

    def test_where_no_layer_decides_the_last_is_named(self):
        assert "/network/layers/0" in refused(changed({"network": {"layers": ["ReLU"]}}))

    def test_a_missing_flatten_is_named(self):
        found = refused(as_arrays({"network": {"layers": [{"type": "Dense", "units": 10}]}}), MNIST)
        assert "Flatten" in found["/network/layers/0/units"]

    def test_two_targets_want_two_units(self):
        target = {"data": {"target": {"column": ["petal_l", "petal_w"]}}}
        assert "expected 2 units" in refused(changed(REGRESSION, target))["/network/layers/0/units"]
        two = {"network": {"layers": [{"type": "Dense", "units": 2}]}}
        assert checked(changed(REGRESSION, target, two)).output_shape == (2,)


class TestLimits:
    @pytest.mark.parametrize(
        ("change", "pointer", "limit"),
        [
            (
                {"network": {"layers": [{"type": "Dense", "units": 10**9}, SOFTMAX]}},
                "/network/layers/0",
                "max_parameters",
            ),
            ({"network": {"layers": [{"type": "Dense", "units": 2**62}, SOFTMAX]}}, "/network/layers/0", "max_memory"),
            ({"training": {"epochs": 10**9}}, "/training/epochs", "max_epochs"),
        ],
    )
    def test_a_huge_job_is_refused(self, change, pointer, limit):
        found = refused(changed(change))
        assert any(limit in message for message in found.values())
        assert any(place.startswith(pointer) or place == "/network/layers" for place in found)

    def test_each_limit_holds_at_its_bound(self):
        report = checked(changed({}))
        memory, parameters = report.memory.total_bytes, report.totals.parameters
        for name, bound in {"max_memory_bytes": memory, "max_parameters": parameters, "max_features": 4}.items():
            assert checked(changed({}), limits=Limits(**{name: bound}))
            assert name in " ".join(refused(changed({}), limits=Limits(**{name: bound - 1})).values())

    def test_a_huge_batch_counts_as_the_rows_there_are(self):
        whole = checked(changed({"training": {"batch_size": 120}})).memory
        assert checked(changed({"training": {"batch_size": 2**62}})).memory == whole

    def test_a_batch_that_does_not_fit_is_named(self):
        limits = Limits(max_memory_bytes=100_000_000)
        found = refused(as_arrays({"training": {"batch_size": 50_000}}), MNIST, limits)
        assert "smaller batch_size" in found["/training/batch_size"]

    @pytest.mark.parametrize(
        ("optimizer", "slots"),
        [("sgd", 0), ({"type": "SGD", "momentum": 0.9}, 1), ("rmsprop", 1), ("adam", 2), ("lion", 1)],
    )
    def test_an_optimizer_keeps_numbers_for_each_parameter(self, optimizer, slots):
        report = checked(changed({"training": {"optimizer": optimizer}}))
        assert report.memory.optimizer_bytes == 4 * slots * report.totals.trainable_parameters
