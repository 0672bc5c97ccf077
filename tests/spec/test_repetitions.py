"""What a spec may repeat in a graph, and the memory that it takes: everything has a bound that the check knows."""

import pytest

from stackyard.spec import ArraysDescription, Limits
from tests.spec.documents import apply_changes, build_array, build_array_spec, check_document, collect_faults

SEQUENCES = ArraysDescription(
    arrays=[
        build_array("x_train", [64, 2000, 4], minimum=0, maximum=1),
        build_array("y_train", [64], "uint8", categories=[0, 1], minimum=0, maximum=1),
    ]
)
OUTPUT = {"type": "Dense", "units": 2, "activation": "softmax"}


def build_sequence_spec(*layers, **training):
    training = {"loss": "categorical_crossentropy", "metrics": []} | training
    changes = {"data": {"target": {"encode": "one_hot"}}, "network": {"layers": [*layers, OUTPUT]}}
    return build_array_spec(changes, {"training": training})


def estimate(*layers, **training):
    return check_document(build_sequence_spec(*layers, **training), SEQUENCES).memory


class TestUnrolledSteps:
    @pytest.mark.parametrize(
        ("layer", "pointer"),
        [
            ({"type": "LSTM", "units": 4, "unroll": True}, "/network/layers/0/unroll"),
            (
                {"type": "Bidirectional", "layer": {"type": "GRU", "units": 4, "unroll": True}},
                "/network/layers/0/layer/unroll",
            ),
            ({"type": "TimeDistributed", "layer": {"type": "Dense", "units": 2}}, "/network/layers/0"),
        ],
    )
    def test_too_many_are_refused_where_they_are_asked_for(self, layer, pointer):
        spec = build_sequence_spec(layer, "Flatten")
        faults = collect_faults(spec, SEQUENCES)
        assert "at most 1000 unrolled steps" in faults[pointer]
        assert "max_unrolled_steps" in faults[pointer]
        assert check_document(spec, SEQUENCES, Limits(max_unrolled_steps=4000))

    def test_a_loop_has_no_bound(self):
        assert check_document(build_sequence_spec({"type": "LSTM", "units": 4}), SEQUENCES)

    def test_the_steps_of_all_layers_count(self):
        layers = [{"type": "TimeDistributed", "layer": {"type": "Dense", "units": 2}}] * 2
        spec = build_sequence_spec(*layers, "Flatten")
        assert check_document(spec, SEQUENCES, Limits(max_unrolled_steps=4000))
        faults = collect_faults(spec, SEQUENCES, Limits(max_unrolled_steps=3999))
        assert "received 4000" in faults["/network/layers/1"]


class TestOtherRepetitions:
    def test_power_iterations_are_bounded_in_sum(self):
        def build(*iterations):
            layers = [
                {"type": "SpectralNormalization", "power_iterations": count, "layer": {"type": "Dense", "units": 2}}
                for count in iterations
            ]
            return apply_changes({"network": {"layers": [*layers, {**OUTPUT, "units": 3}]}})

        assert check_document(build(500, 500))
        faults = collect_faults(build(500, 501))
        assert "received 1001" in faults["/network/layers/1/power_iterations"]
        assert "/network/layers/0/power_iterations" in collect_faults(build(10**9))

    @pytest.mark.parametrize("rate", [10**9, [10**9]])
    def test_a_dilation_is_bounded(self, rate):
        layer = {"type": "Conv1D", "filters": 2, "kernel_size": 1, "dilation_rate": rate}
        faults = collect_faults(build_sequence_spec(layer, "Flatten"), SEQUENCES)
        assert "max_dilation" in faults["/network/layers/0/dilation_rate"]
        wrapped = {"type": "SpectralNormalization", "layer": layer}
        faults = collect_faults(build_sequence_spec(wrapped, "Flatten"), SEQUENCES)
        assert "max_dilation" in faults["/network/layers/0/layer/dilation_rate"]


class TestLabels:
    @pytest.mark.parametrize(
        ("arguments", "name"),
        [({"num_labels": 10**6}, "num_labels"), ({"label_weights": [1.0, 2.0]}, "label_weights")],
    )
    def test_their_number_equals_the_outputs(self, arguments, name):
        def build(**changed):
            metric = {"type": "AUC", "multi_label": True, **changed}
            target = {"column": "target", "encode": "one_hot"}
            training = {"loss": "categorical_crossentropy", "metrics": [metric]}
            return apply_changes({"data": {"target": target}, "training": training})

        assert check_document(build(num_labels=3, label_weights=[1.0, 2.0, 3.0]))
        faults = collect_faults(build(**arguments))
        assert "expected 3 labels for 3 outputs" in faults[f"/training/metrics/0/{name}"]


class TestMemoryEstimate:
    def test_a_recurrent_layer_keeps_values_for_each_step_and_unit(self):
        small = estimate({"type": "LSTM", "units": 8}).activations_bytes
        large = estimate({"type": "LSTM", "units": 80}).activations_bytes
        assert small > 4 * 32 * 2000 * 8 * 4  # float32, rows, steps, units, gates
        assert 5 * small < large < 10 * small

    @pytest.mark.parametrize("mode", ["rows", "columns"])
    def test_an_orthogonal_penalty_multiplies_the_kernel_with_itself(self, mode):
        regularizer = {"type": "OrthogonalRegularizer", "mode": mode}
        memory = estimate("Flatten", {"type": "Dense", "units": 100, "kernel_regularizer": regularizer})
        side = 8000 if mode == "rows" else 100
        assert memory.penalties_bytes >= 4 * side**2
        assert estimate("Flatten", {"type": "Dense", "units": 100}).penalties_bytes == 0

    def test_a_penalty_of_outputs_multiplies_their_columns(self):
        regularizer = {"type": "OrthogonalRegularizer", "mode": "columns"}
        dense = {"type": "Dense", "units": 80, "activity_regularizer": regularizer}
        assert estimate("Flatten", dense).penalties_bytes >= 4 * 80**2

    def test_a_normalized_kernel_is_copied(self):
        layer = {"type": "SpectralNormalization", "layer": {"type": "Dense", "units": 100}}
        assert estimate("Flatten", layer).penalties_bytes >= 4 * 8000 * 100

    def test_listed_thresholds_are_compared_with_every_output(self):
        few, many = (
            estimate("Flatten", metrics=[{"type": "AUC", "thresholds": [0.5] * count}]).metrics_bytes
            for count in (10, 1000)
        )
        assert many == 100 * few > 0

    def test_kept_best_weights_are_a_copy(self):
        dense = {"type": "Dense", "units": 100}
        usual = estimate("Flatten", dense)
        keeping = estimate(
            "Flatten", dense, callbacks=[{"type": "EarlyStopping", "monitor": "loss", "restore_best_weights": True}]
        )
        assert keeping.total_bytes == usual.total_bytes + usual.weights_bytes

    def test_unrolled_steps_are_copies_in_the_graph(self):
        layer = {"type": "TimeDistributed", "layer": {"type": "Dense", "units": 2}}
        pooled = {"type": "AveragePooling1D", "pool_size": 20}
        assert estimate(pooled, layer, "Flatten").graph_bytes > estimate(pooled, "Flatten").graph_bytes + 99 * 2**19

    def test_penalties_and_metrics_that_exceed_the_memory_are_named(self):
        limits = Limits(max_memory_bytes=500_000_000)
        regularizer = {"type": "Dense", "units": 2, "kernel_regularizer": "orthogonal"}
        faults = collect_faults(build_sequence_spec("Flatten", regularizer), SEQUENCES, limits)
        assert "for penalties" in faults["/network/layers"]
        metrics = [{"type": "AUC", "thresholds": [0.5] * 10_000, "name": name} for name in "abcde"]
        spec = build_sequence_spec("Flatten", batch_size=64, metrics=metrics)
        assert (
            "for metrics" in collect_faults(spec, SEQUENCES, Limits(max_memory_bytes=30_000_000))["/training/metrics"]
        )
