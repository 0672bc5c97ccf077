"""Refuse rows from which a network computes indices that an Embedding further along cannot look up.

TensorFlow ends the request at an index beyond the vocabulary, and takes a negative one from the end of the table.
"""

from collections.abc import Sequence
from typing import Any, NamedTuple

import keras
import numpy as np

from stackyard.spec.layers import Layer
from stackyard.spec.layers.lookups import list_computed_embeddings
from worker.prediction.row_faults import RowFaults
from worker.preparation.arrays import Array, split_into_blocks

_keras: Any = keras  # whose models are untyped
_ROWS_PER_BLOCK = 32


class ComputedLookup(NamedTuple):
    """The part of a network before an Embedding, as a keras.Model, and the number of values that it knows."""

    index_network: Any
    vocabulary_size: int


def build_computed_lookups(layers: Sequence[Layer], network: Any) -> Sequence[ComputedLookup]:
    """Return the lookups of those Embeddings that do not receive the inputs of the network as they are.

    Args:
        layers: of the spec.
        network: the keras.Sequential of these layers.

    """
    return [
        ComputedLookup(_keras.Model(network.inputs, network.layers[index].input), embedding.input_dim)
        for index, embedding in list_computed_embeddings(layers)
    ]


def check_computed_lookups(lookups: Sequence[ComputedLookup], x: Array, lines: Sequence[int] | None) -> None:
    """Require that the Embeddings can look up what the layers before them compute.

    Args:
        lookups: of the network.
        x: the inputs, of shape (rows, …).
        lines: the line in the file at which each row begins, from 1; None for rows that are not from a file.

    Raises:
        InvalidRowsError: it has the location of each fault.

    """
    for lookup in lookups:
        faults = RowFaults(lines)
        for rows in split_into_blocks(len(x), _ROWS_PER_BLOCK):
            _check_block(lookup, x[rows], rows.start, faults)
        faults.raise_if_any()


def _check_block(lookup: ComputedLookup, block: Array, start: int, faults: RowFaults) -> None:
    indices = lookup.index_network.predict_on_batch(block).reshape(len(block), -1)
    whole = np.trunc(indices)  # as Keras does, which converts them to integers
    is_valid = (whole >= 0) & (whole < lookup.vocabulary_size)  # also false for NaN
    expected = f"expected a row from which the network computes numbers from 0 to {lookup.vocabulary_size - 1}"
    for row in np.flatnonzero(~is_valid.all(axis=1)).tolist():
        first = indices[row][~is_valid[row]][0]
        faults.add_at_row(f"{expected} for its Embedding to look up; it computes {first:g}", start + row)
