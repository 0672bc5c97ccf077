"""Find the Embeddings of a network: the one that looks up its inputs as they are, and those behind other layers."""

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


def list_computed_embeddings(layers: Sequence[Layer]) -> list[tuple[int, Embedding]]:
    """Return the indices and the Embeddings that look up what the layers before them compute."""
    unwrapped = [(index, _unwrap_layer(layer)) for index, layer in enumerate(layers)]
    embeddings = [(index, inner) for index, inner in unwrapped if isinstance(inner, Embedding)]
    return [found for found in embeddings if found != find_input_embedding(layers)]


def _unwrap_layer(layer: Layer) -> object:
    return layer.layer if isinstance(layer, TimeDistributed | SpectralNormalization) else layer
