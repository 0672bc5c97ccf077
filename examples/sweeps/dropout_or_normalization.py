"""Does dropout or batch normalization help? The tutorials' networks without them, with one of them, and with both.

Every variant trains with the same five seeds and on the same rows, so that differences are paired. The data are
red-wine.csv and spotify.csv of the tutorials; the comparison skips a file that the directory does not have.

    .venv/bin/python examples/sweeps/dropout_or_normalization.py --data ../shared/data
"""

import argparse
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from stackyard.client import Client, Estimate, RankedTrial

Json = dict[str, Any]
SEEDS = 5
DROPOUT: Json = {"type": "Dropout", "rate": 0.3}
NORMALIZATION: Json = {"type": "BatchNormalization"}
VARIANTS: dict[str, list[Json]] = {
    "neither": [],
    "dropout": [DROPOUT],
    "batch normalization": [NORMALIZATION],
    "dropout, then batch normalization": [DROPOUT, NORMALIZATION],
}
"""The layers after each hidden Dense."""


@dataclass(frozen=True)
class Question:
    """A dataset, the units of the hidden layers, and how the rows are used and trained."""

    name: str
    data: Json
    units: Sequence[int]
    training: Json

    def build_spec(self, variant: str, epochs: int | None = None, width: float = 1.0) -> Json:
        """Return the job spec of a variant.

        Args:
            variant: one of `VARIANTS`.
            epochs: of each training; by default those of the tutorial.
            width: a factor for the units of the hidden layers.

        """
        layers = [layer for units in self.units for layer in (_build_dense(round(width * units)), *VARIANTS[variant])]
        network = {"layers": [*layers, {"type": "Dense", "units": 1}]}
        name = f"{self.name}, {variant}"
        training = self.training if epochs is None else self.training | {"epochs": epochs}
        return {"name": name, "data": self.data, "network": network, "training": training}


SONG_FEATURES = [
    *("danceability", "energy", "key", "loudness", "mode", "speechiness", "acousticness", "instrumentalness"),
    *("liveness", "valence", "tempo", "duration_ms"),
]
RED_WINE = Question(
    "red-wine",
    {
        "dataset": "red-wine",
        "target": {"column": "quality"},
        "split": {"validation": {"method": "random", "train_fraction": 0.7, "seed": 0}},
    },
    (1024, 1024, 1024),
    {"optimizer": "adam", "loss": "mae", "batch_size": 256, "epochs": 100},
)
SPOTIFY = Question(
    "spotify",
    {
        "dataset": "spotify",
        "drop_missing": True,
        "target": {"column": "track_popularity", "divide_by": 100},
        "features": [
            {"columns": SONG_FEATURES, "transform": "standard"},
            {"columns": ["playlist_genre"], "transform": "one_hot"},
        ],
        "split": {"validation": {"method": "group", "column": "track_artist", "train_fraction": 0.75, "seed": 0}},
    },
    (128, 64),
    {"optimizer": "adam", "loss": "mae", "batch_size": 512, "epochs": 50},
)
QUESTIONS = (RED_WINE, SPOTIFY)


def main() -> None:
    """Run the comparisons, and print their results."""
    arguments = _parse_arguments()
    with Client(arguments.url, timeout=600) as stackyard:
        for question in QUESTIONS:
            if arguments.dataset not in {None, question.name}:
                continue
            path = arguments.data / f"{question.name}.csv"
            if path.exists():
                stackyard.upload(path, name=question.name)
                specs = [question.build_spec(variant, arguments.epochs, arguments.width) for variant in VARIANTS]
                compare_variants(stackyard, question.name, specs)
            else:
                print(f"{question.name}: skipped, because there is no {path}")


def compare_variants(stackyard: Client, dataset: str, specs: Sequence[Json]) -> None:
    """Train all variants with all seeds, and print their best validation losses."""
    name = f"{dataset}, dropout or batch normalization"
    sweep = stackyard.submit_many(specs, name=name, objective="val_loss", repeats=SEEDS).wait(progress=True)
    statistics = sweep.statistics()
    print(f"\n{dataset}: best {statistics.metric}, {SEEDS} seeds, {statistics.cost.seconds:.0f} s of training")
    print("| variant | mean | 95 % interval | less the best | 95 % interval | distinguishable |")
    print("| --- | --- | --- | --- | --- | --- |")
    for trial in statistics.ranking:
        print(f"| {' | '.join(_list_cells(trial))} |")


def _build_dense(units: int) -> Json:
    return {"type": "Dense", "units": units, "activation": "relu"}


def _list_cells(trial: RankedTrial) -> list[str]:
    variant = list(VARIANTS)[trial.parameters["/specs"]]
    estimate, paired = trial.estimate, trial.difference
    cells = [variant, f"{estimate.mean:.4f}", _format_interval(estimate)]
    if paired is None:
        return [*cells, "the best", "", ""]
    difference = paired.difference
    verdict = "yes" if paired.is_distinguishable else "no"
    return [*cells, f"{difference.mean:.4f}", _format_interval(difference), verdict]


def _format_interval(estimate: Estimate) -> str:
    return "" if estimate.low is None else f"{estimate.low:.4f} to {estimate.high:.4f}"


def _parse_arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--url", default="http://127.0.0.1:8000", help="the server")
    parser.add_argument("--data", type=Path, default=Path("../shared/data"), help="the directory of the CSV files")
    parser.add_argument("--dataset", choices=[question.name for question in QUESTIONS], help="only this one")
    parser.add_argument("--width", type=float, default=1.0, help="a factor for the units of the hidden layers")
    parser.add_argument("--epochs", type=int, help="of each training; by default those of the tutorials")
    return parser.parse_args()


if __name__ == "__main__":
    main()
