"""Inferred shapes, parameter counts and limits. tests/worker/test_foreseen.py compares them with Keras."""

import pytest

from stackyard.spec import Limits
from tests.line_counting import count_executed_lines
from tests.spec.documents import MNIST, REGRESSION, apply_changes, build_array_spec, check_document, collect_faults

SOFTMAX = {"type": "Dense", "units": 3, "activation": "softmax"}
IMAGES = {"type": "Reshape", "target_shape": [2, 2, 1]}
STEPS = {"type": "Reshape", "target_shape": [2, 2]}


def build_document(*layers):
    return apply_changes({"network": {"layers": [*layers, SOFTMAX]}})


def test_the_report_describes_each_layer():
    report = check_document(
        build_document({"type": "Dense", "units": 8}, "BatchNormalization", {"type": "Dense", "units": 5})
    )
    layers = [
        (layer.name, layer.output_shape, layer.parameters, layer.trainable_parameters) for layer in report.layers
    ]
    assert layers == [
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


def test_a_frozen_layer_has_no_trainable_parameters():
    report = check_document(build_document({"type": "Dense", "units": 8, "trainable": False}))
    assert (report.layers[0].parameters, report.layers[0].trainable_parameters) == (40, 0)


def test_the_report_is_json_with_shapes_as_lists():
    report = check_document(apply_changes({})).model_dump(mode="json")
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
def test_an_argument_that_does_not_fit_the_input_is_refused(layer, at, words):
    faults = collect_faults(build_document(layer))
    assert words in faults[f"/network/layers/0{at}"], faults


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
        ([IMAGES, CONV | {"strides": 2, "dilation_rate": 2}], "/1/dilation_rate", "when strides"),
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
        ([{"type": "Reshape", "target_shape": [-1, -1]}], "/0/target_shape", "-1 at most once"),
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
            "so that the two run in opposite directions",
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
            "probability is always 1",
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
            "several weights",
        ),
        (
            [{"type": "Embedding", "input_dim": 9, "output_dim": 2, "mask_zero": True}, "Softmax"],
            "/1",
            "no mask before Softmax",
        ),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_layers_that_do_not_fit_are_refused_with_a_fix(layers, at, words):
    faults = collect_faults(build_document(*layers))
    assert words in faults[f"/network/layers{at}"], faults


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
def test_floating_point_operations_are_counted(layers, flops):
    report = check_document(build_document(*layers, "Flatten"))
    assert report.layers[len(layers) - 1].flops == flops


def test_wrapped_layers_take_default_names_too():
    layers = [STEPS, {"type": "Bidirectional", "layer": LSTM | {"return_sequences": True}}, LSTM]
    assert [layer.name for layer in check_document(build_document(*layers)).layers] == [
        "reshape",
        "bidirectional",
        "lstm_1",
        "dense",
    ]


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
def test_huge_sizes_are_computed_without_overflow(layer):
    before = STEPS if layer["type"] == "TimeDistributed" else IMAGES
    faults = collect_faults(build_document(before, layer, "Flatten"))
    assert any("(limit max_" in message for message in faults.values())


def test_a_check_stops_at_sizes_beyond_every_limit():
    faults = collect_faults(build_document(STEPS, *[{"type": "UpSampling1D", "size": 2**62}] * 900))
    assert faults == {"/network/layers/5": "expected smaller rows, received more than 2**256 numbers"}


def test_the_cost_of_a_check_grows_linearly_with_the_layers():
    def count_lines_for(layers):
        document = build_document(
            *[{"type": "Dense", "units": 4}, "BatchNormalization"] * (layers // 2 - 1), "Flatten"
        )
        assert len(check_document(document).layers) == layers
        return count_executed_lines(lambda: check_document(document))

    assert count_lines_for(1000) < 20 * count_lines_for(100)


def test_two_layers_with_the_same_name_are_refused():
    faults = collect_faults(
        build_document({"type": "Dense", "units": 2, "name": "a"}, {"type": "Dense", "units": 2, "name": "a"})
    )
    assert "layer 0" in faults["/network/layers/1/name"]


def test_the_default_name_of_another_layer_is_refused():
    faults = collect_faults(build_document("Flatten", {"type": "Dense", "units": 2, "name": "dense"}))
    assert faults.keys() == {"/network/layers/2"}


class TestOutput:
    def test_fewer_units_than_classes_are_refused(self):
        faults = collect_faults(apply_changes({"network": {"layers": [{"type": "Dense", "units": 2}]}}))
        assert "expected 3 units for the 3 classes" in faults["/network/layers/0/units"]

    def test_a_regression_with_two_units_is_refused(self):
        faults = collect_faults(apply_changes(REGRESSION, {"network": {"layers": [{"type": "Dense", "units": 2}]}}))
        assert "expected 1 unit" in faults["/network/layers/0/units"]

    def test_the_fault_points_at_the_layer_that_sets_the_output_size(self):
        layers = [{"type": "Dense", "units": 4}, "BatchNormalization", {"type": "Activation", "activation": "softmax"}]
        assert "/network/layers/0/units" in collect_faults(apply_changes({"network": {"layers": layers}}))

    def test_the_fault_points_at_the_last_layer_if_no_layer_sets_the_output_size(self):
        assert "/network/layers/0" in collect_faults(apply_changes({"network": {"layers": ["ReLU"]}}))

    def test_the_fix_names_a_missing_flatten(self):
        faults = collect_faults(build_array_spec({"network": {"layers": [{"type": "Dense", "units": 10}]}}), MNIST)
        assert "Flatten" in faults["/network/layers/0/units"]

    def test_two_targets_need_two_units(self):
        target = {"data": {"target": {"column": ["petal_l", "petal_w"]}}}
        assert "expected 2 units" in collect_faults(apply_changes(REGRESSION, target))["/network/layers/0/units"]
        two = {"network": {"layers": [{"type": "Dense", "units": 2}]}}
        assert check_document(apply_changes(REGRESSION, target, two)).output_shape == (2,)


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
        faults = collect_faults(apply_changes(change))
        assert any(limit in message for message in faults.values())
        assert any(at.startswith(pointer) or at == "/network/layers" for at in faults)

    def test_each_limit_accepts_its_bound_and_refuses_less(self):
        report = check_document(apply_changes({}))
        memory, parameters = report.memory.total_bytes, report.totals.parameters
        for name, bound in {"max_memory_bytes": memory, "max_parameters": parameters, "max_features": 4}.items():
            assert check_document(apply_changes({}), limits=Limits(**{name: bound}))
            assert name in " ".join(collect_faults(apply_changes({}), limits=Limits(**{name: bound - 1})).values())

    def test_a_huge_batch_is_estimated_as_the_training_rows(self):
        whole = check_document(apply_changes({"training": {"batch_size": 120}})).memory
        assert check_document(apply_changes({"training": {"batch_size": 2**62}})).memory == whole

    def test_a_batch_that_exceeds_the_memory_is_refused(self):
        limits = Limits(max_memory_bytes=100_000_000)
        faults = collect_faults(build_array_spec({"training": {"batch_size": 50_000}}), MNIST, limits)
        assert "smaller batch_size" in faults["/training/batch_size"]

    @pytest.mark.parametrize(
        ("optimizer", "slots"),
        [("sgd", 0), ({"type": "SGD", "momentum": 0.9}, 1), ("rmsprop", 1), ("adam", 2), ("lion", 1)],
    )
    def test_optimizer_memory_counts_the_variables_of_each_parameter(self, optimizer, slots):
        report = check_document(apply_changes({"training": {"optimizer": optimizer}}))
        assert report.memory.optimizer_bytes == 4 * slots * report.totals.trainable_parameters
