"""Find the Embedding that looks up the inputs of a network as they are."""

from collections.abc import Sequence

from stackyard.spec.layers import (
    Embedding,
    Flatten,
    Identity,
    Layer,
    Permute,
    RepeatVector,
    Reshape,
    SpectralNormalization,
    TimeDistributed,
)

_MOVING_LAYERS = (Flatten, Identity, Permute, RepeatVector, Reshape)
"""Layers whose outputs are their inputs, in another order or shape."""


def find_input_embedding(layers: Sequence[Layer]) -> tuple[int, Embedding] | None:
    """Return the index and the Embedding that receives the values of the inputs; None without one."""
    for index, layer in enumerate(layers):
        inner = _unwrap_layer(layer)
        if isinstance(inner, Embedding):
            return index, inner
        if not isinstance(inner, _MOVING_LAYERS):
            return None
    return None


def _unwrap_layer(layer: Layer) -> object:
    return layer.layer if isinstance(layer, TimeDistributed | SpectralNormalization) else layer
