"""The backend on which a job trains: the rule of `auto`, and options that one backend lacks."""

import pytest

from stackyard.spec import choose_backend, parse_spec
from tests.spec.documents import (
    MNIST,
    SPEC,
    apply_changes,
    build_array_spec,
    check_document,
    collect_faults,
    encode_json,
)

SYNCHRONIZED = {"type": "BatchNormalization", "synchronized": True}
OUTPUT = {"type": "Dense", "units": 3, "activation": "softmax"}


def build_spec(*layers, backend="auto"):
    changes = {"network": {"layers": [*layers, OUTPUT]}, "run": {"backend": backend}}
    return parse_spec(encode_json(apply_changes(changes)))


CONVOLUTION = {"type": "Conv1D", "filters": 4, "kernel_size": 2}
RESHAPE = {"type": "Reshape", "target_shape": [2, 2]}


@pytest.mark.parametrize(
    ("layers", "device", "default", "chosen"),
    [
        ([{"type": "Dense", "units": 8}], "cpu", "auto", "jax"),
        ([RESHAPE, {"type": "LSTM", "units": 4}], "cpu", "auto", "jax"),
        ([RESHAPE, CONVOLUTION, "Flatten"], "cpu", "auto", "tensorflow"),
        ([RESHAPE, {"type": "SeparableConv1D", "filters": 4, "kernel_size": 2}], "cpu", "auto", "tensorflow"),
        (
            [
                {"type": "Reshape", "target_shape": [1, 2, 2]},
                {"type": "TimeDistributed", "layer": CONVOLUTION},
                "Flatten",
            ],
            "cpu",
            "auto",
            "tensorflow",
        ),
        ([{"type": "Dense", "units": 8}], "gpu", "auto", "tensorflow"),
        ([{"type": "Dense", "units": 8}], "cpu", "tensorflow", "tensorflow"),
        ([RESHAPE, CONVOLUTION, "Flatten"], "cpu", "jax", "jax"),
        ([SYNCHRONIZED], "cpu", "jax", "tensorflow"),
    ],
)
def test_auto_selects_a_backend_by_the_network_the_device_and_the_default_of_the_server(
    layers, device, default, chosen
):
    choice = choose_backend(build_spec(*layers), device, default)
    assert choice.name == chosen
    assert choice.reason.endswith(".")


@pytest.mark.parametrize("backend", ["jax", "tensorflow"])
def test_a_spec_that_names_a_backend_gets_it(backend):
    spec = build_spec(RESHAPE, CONVOLUTION, "Flatten", backend=backend)
    assert {choose_backend(spec, device, "jax").name for device in ("cpu", "gpu")} == {backend}


def test_the_report_says_which_backend_auto_selects_and_why():
    backend = check_document(SPEC).backend
    assert (backend.name, backend.reason) == ("jax", "On a CPU, JAX trains networks without convolutions faster.")
    images = build_array_spec(
        {
            "network": {
                "layers": [
                    {"type": "Reshape", "target_shape": [28, 28, 1]},
                    {"type": "Conv2D", "filters": 2, "kernel_size": 3},
                    "Flatten",
                    {"type": "Dense", "units": 10, "activation": "softmax"},
                ]
            }
        }
    )
    backend = check_document(images, MNIST).backend
    assert (backend.name, backend.reason) == ("tensorflow", "On a CPU, TensorFlow trains Conv2D faster.")


@pytest.mark.parametrize(
    ("layers", "pointer"),
    [
        ([SYNCHRONIZED], "/network/layers/0/synchronized"),
        (
            [RESHAPE, {"type": "TimeDistributed", "layer": SYNCHRONIZED}, "Flatten"],
            "/network/layers/1/layer/synchronized",
        ),
    ],
)
def test_an_option_that_jax_lacks_is_refused_at_its_place_and_names_the_other_backend(layers, pointer):
    document = apply_changes({"network": {"layers": [*layers, OUTPUT]}, "run": {"backend": "jax"}})
    [(place, message)] = collect_faults(document).items()
    assert place == pointer
    assert message.endswith('set the backend in "run" to "tensorflow"')
    check_document(apply_changes({"run": {"backend": "auto"}}, base=document))
