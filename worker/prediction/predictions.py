"""A network's outputs as predictions, in JSON and CSV."""

import csv
import io
import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from service.history import json_floats
from stackyard.spec import Fault
from stackyard.spec.reading.json_pointers import PathSegment, format_pointer
from worker.preparation.arrays import Array, mask_finite_rows
from worker.preparation.transforms.targets import FittedTarget


@dataclass(frozen=True)
class Predictions:
    """The outputs for some rows, of shape (rows, …), their meaning, and values that the dataset did not have."""

    outputs: Array
    target: FittedTarget
    unknown_values: Sequence[Fault] = ()

    def to_json(self) -> bytes:
        """Return the JSON document that `api.jobs.predictions.PredictionsView` describes."""
        nonfinite: dict[str, str] = {}
        scores = self._compute_scores()
        document = {
            "target": self.target.columns,
            "classes": self.target.classes,
            "predictions": self._build_predictions(nonfinite),
            "scores": None if scores is None else _to_json_numbers(scores, nonfinite, "scores"),
            "nonfinite": nonfinite,
            "unknown": [problem.model_dump() for problem in self.unknown_values],
        }
        return json.dumps(document, allow_nan=False).encode()

    def to_csv(self) -> bytes:
        """Return a header line, then a line for each row: its prediction, and a score for each class."""
        text = io.StringIO()
        writer = csv.writer(text, lineterminator="\n")
        writer.writerow(self._build_header())
        writer.writerows(self._build_lines())
        return text.getvalue().encode()

    def _build_predictions(self, nonfinite: dict[str, str]) -> list[Any]:
        match self.target.kind:
            case "classification":
                return self._build_labels(nonfinite)
            case "regression":
                return _to_json_columns(self.target.undo_scaling(self.outputs), self.target.columns, nonfinite)
            case "other":
                return _to_json_numbers(self.outputs, nonfinite, "predictions")

    def _build_labels(self, nonfinite: dict[str, str]) -> list[Any]:
        """Return the most likely class of each row; None if its outputs are not finite."""
        classes = self.target.classes or ()
        nonfinite_rows = np.flatnonzero(~mask_finite_rows(self.outputs)).tolist()
        nonfinite.update({format_pointer(("predictions", row)): "NaN" for row in nonfinite_rows})
        labels: list[Any] = [
            classes[index] for index in self.target.predict_class_indices(np.nan_to_num(self.outputs))
        ]
        for row in nonfinite_rows:
            labels[row] = None
        return labels

    def _compute_scores(self) -> Array | None:
        return self.target.compute_scores(self.outputs) if self.target.kind == "classification" else None

    def _build_header(self) -> list[str]:
        match self.target.kind:
            case "classification":
                scored_classes = () if self._compute_scores() is None else self.target.classes or ()
                return [*self.target.columns, *(f"score_{value}" for value in scored_classes)]
            case "regression":
                return list(self.target.columns)
            case "other":
                return [f"output_{index}" for index in range(self._flatten_outputs().shape[1])]

    def _build_lines(self) -> Iterable[Sequence[Any]]:
        match self.target.kind:
            case "classification":
                scores = self._compute_scores()
                row_scores = [()] * len(self.outputs) if scores is None else scores.tolist()
                return ([label, *score] for label, score in zip(self._build_labels({}), row_scores, strict=True))
            case "regression":
                return self.target.undo_scaling(self.outputs).tolist()
            case "other":
                return self._flatten_outputs().tolist()

    def _flatten_outputs(self) -> Array:
        return self.outputs.reshape(len(self.outputs), -1)


def _to_json_columns(values: Array, names: Sequence[str], nonfinite: dict[str, str]) -> list[Any]:
    """Return plain numbers for a single target column; else for each row an object with a number by column name."""
    if len(names) == 1:
        return _to_json_numbers(values[:, 0], nonfinite, "predictions")
    rows = _to_json_numbers(values, nonfinite, "predictions", names)
    return [dict(zip(names, row, strict=True)) for row in rows]


def _to_json_numbers(
    array: Array, nonfinite: dict[str, str], name: str, columns: Sequence[PathSegment] | None = None
) -> list[Any]:
    """Return the numbers as nested lists. NaN and infinities become None and are recorded in `nonfinite`.

    Args:
        array: of shape (rows, …).
        nonfinite: names of the numbers that JSON lacks, by JSON pointer; it is extended.
        name: of the document's member that holds the numbers.
        columns: names along the last axis; None to use indices.

    """
    finite = np.isfinite(array)
    if finite.all():
        return array.tolist()
    for index in np.argwhere(~finite).tolist():
        steps = index if columns is None else [*index[:-1], columns[index[-1]]]
        nonfinite[format_pointer((name, *steps))] = json_floats.format_nonfinite(array[tuple(index)])
    numbers = array.astype(object)
    numbers[~finite] = None
    return numbers.tolist()
