"""The search that `sweeps` measures: the learning rate and the dropout rate of iris-batchnorm."""

from typing import Any

from tutorials import ExperimentData

EXPERIMENT = "iris-batchnorm"
SEED = 0
RATES = (1e-4, 1e-1)
DROPOUTS = (0.0, 0.5)
RATE_POINTER = "/training/optimizer/learning_rate"


def build_base(data: ExperimentData) -> dict[str, Any]:
    """Return the base spec: as a user would insert it, a Dropout follows each BatchNormalization."""
    spec = data.load_experiment(EXPERIMENT).spec
    layers: list[dict[str, Any]] = []
    for layer in spec["network"]["layers"]:
        layers.append(layer)
        if layer["type"] == "BatchNormalization":
            layers.append({"type": "Dropout", "rate": 0.0})
    training = spec["training"] | {"optimizer": {"type": "Adam", "learning_rate": 1e-3}}
    return spec | {"network": spec["network"] | {"layers": layers}, "training": training}


def build_space(base: dict[str, Any]) -> dict[str, Any]:
    """Return the search space; all Dropouts have the same rate."""
    pointers = [
        f"/network/layers/{index}/rate"
        for index, layer in enumerate(base["network"]["layers"])
        if layer["type"] == "Dropout"
    ]
    dropout = {"uniform": list(DROPOUTS), "also": pointers[1:]}
    return {RATE_POINTER: {"log_uniform": list(RATES)}, pointers[0]: dropout}
