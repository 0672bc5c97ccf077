"""What a network's outputs say, as JSON and as CSV."""

import csv
import io
import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from service.history import metric_history
from stackyard.spec import Problem
from stackyard.spec.reading.json_pointers import Step, pointer
from worker.preparation.arrays import Array
from worker.preparation.transforms.targets import FittedTarget


@dataclass(frozen=True)
class Predictions:
    """The outputs for some rows, of shape (rows, …), what they mean, and which values of the rows were unknown."""

    outputs: Array
    target: FittedTarget
    unknown: Sequence[Problem] = ()

    def json(self) -> bytes:
        """The answer that `api.jobs.predictions.PredictionsView` describes."""
        words: dict[str, str] = {}
        scores = self._scores()
        document = {
            "target": self.target.columns,
            "classes": self.target.classes,
            "predictions": self._predictions(words),
            "scores": None if scores is None else _numbers(scores, words, "scores"),
            "nonfinite": words,
            "unknown": [problem.model_dump() for problem in self.unknown],
        }
        return json.dumps(document, allow_nan=False).encode()

    def csv(self) -> bytes:
        """A line of names, then a line for each row: what is predicted, and a score for each class."""
        text = io.StringIO()
        lines = csv.writer(text, lineterminator="\n")
        lines.writerow(self._names())
        lines.writerows(self._lines())
        return text.getvalue().encode()

    def _predictions(self, words: dict[str, str]) -> list[Any]:
        match self.target.kind:
            case "classification":
                return self._labels(words)
            case "regression":
                return _of_columns(self.target.values(self.outputs), self.target.columns, words)
            case "other":
                return _numbers(self.outputs, words, "predictions")

    def _labels(self, words: dict[str, str]) -> list[Any]:
        """The likeliest class of each row; None where its outputs are not finite."""
        classes = self.target.classes or ()
        lost = np.flatnonzero(~_finite(self.outputs)).tolist()
        words.update({pointer(("predictions", row)): "NaN" for row in lost})
        labels: list[Any] = [classes[place] for place in self.target.labels(np.nan_to_num(self.outputs))]
        for row in lost:
            labels[row] = None
        return labels

    def _scores(self) -> Array | None:
        return self.target.scores(self.outputs) if self.target.kind == "classification" else None

    def _names(self) -> list[str]:
        match self.target.kind:
            case "classification":
                scored = () if self._scores() is None else self.target.classes or ()
                return [*self.target.columns, *(f"score_{value}" for value in scored)]
            case "regression":
                return list(self.target.columns)
            case "other":
                return [f"output_{place}" for place in range(self._flat().shape[1])]

    def _lines(self) -> Iterable[Sequence[Any]]:
        match self.target.kind:
            case "classification":
                scores = self._scores()
                shares = [()] * len(self.outputs) if scores is None else scores.tolist()
                return ([label, *share] for label, share in zip(self._labels({}), shares, strict=True))
            case "regression":
                return self.target.values(self.outputs).tolist()
            case "other":
                return self._flat().tolist()

    def _flat(self) -> Array:
        return self.outputs.reshape(len(self.outputs), -1)


def _of_columns(values: Array, names: Sequence[str], words: dict[str, str]) -> list[Any]:
    """Numbers of one target column as they are; of several, an object a row with each under its column's name."""
    if len(names) == 1:
        return _numbers(values[:, 0], words, "predictions")
    return [dict(zip(names, row, strict=True)) for row in _numbers(values, words, "predictions", names)]


def _numbers(array: Array, words: dict[str, str], name: str, columns: Sequence[Step] | None = None) -> list[Any]:
    """The numbers as JSON can carry them, None for the others, whose words go under their pointers.

    Args:
        array: of shape (rows, …).
        words: to add to.
        name: of the answer's member that they become.
        columns: what the last axis is called; None where its places are.

    """
    finite = np.isfinite(array)
    if finite.all():
        return array.tolist()
    for steps in np.argwhere(~finite).tolist():
        way = steps if columns is None else [*steps[:-1], columns[steps[-1]]]
        words[pointer((name, *way))] = metric_history.word(array[tuple(steps)])
    carried = array.astype(object)
    carried[~finite] = None
    return carried.tolist()


def _finite(outputs: Array) -> Array:
    """Which rows are finite throughout; of shape (rows,)."""
    return np.asarray(np.isfinite(outputs.reshape(len(outputs), -1)).all(axis=1))
