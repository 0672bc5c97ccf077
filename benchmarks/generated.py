"""Data of the shapes, column names and ranges that the experiments' own have, drawn from one seed.

What is learnt from them means nothing; how long that takes does.
"""

import csv
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from typing import Any

import numpy as np

SEED = 0
_GENRES = ("edm", "latin", "pop", "r&b", "rap", "rock")
_MISSING = (8151, 9282, 9283, 19568, 19811)
"""Rows of spotify.csv that `drop_missing` leaves out."""

Draw = np.random.Generator
Table = dict[str, Sequence[Any]]


def write(path: Path) -> None:
    """Write the file that the experiments know by this name.

    Raises:
        KeyError: there is none.

    """
    _WRITERS[path.name](path, np.random.default_rng(SEED))


def _red_wine(path: Path, draw: Draw) -> None:
    rows = 1599
    ranges = {
        "fixed acidity": (4.6, 15.9),
        "volatile acidity": (0.12, 1.58),
        "citric acid": (0.0, 1.0),
        "residual sugar": (0.9, 15.5),
        "chlorides": (0.012, 0.611),
        "free sulfur dioxide": (1.0, 72.0),
        "total sulfur dioxide": (6.0, 289.0),
        "density": (0.99, 1.004),
        "pH": (2.74, 4.01),
        "sulphates": (0.33, 2.0),
        "alcohol": (8.4, 14.9),
    }
    columns = _uniform(draw, rows, ranges)
    _csv(path, columns | {"quality": _learnable(columns, draw, 3, 8).round().astype(int)})


def _concrete(path: Path, draw: Draw) -> None:
    rows = 1030
    ranges = {
        "Cement": (102.0, 540.0),
        "BlastFurnaceSlag": (0.0, 359.4),
        "FlyAsh": (0.0, 200.1),
        "Water": (121.8, 247.0),
        "Superplasticizer": (0.0, 32.2),
        "CoarseAggregate": (801.0, 1145.0),
        "FineAggregate": (594.0, 992.6),
    }
    columns = _uniform(draw, rows, ranges) | {"Age": draw.integers(1, 366, rows)}
    _csv(path, columns | {"CompressiveStrength": _learnable(columns, draw, 2.33, 82.6).round(2)})


def _spotify(path: Path, draw: Draw) -> None:
    rows = 32833
    numbers = _uniform(draw, rows, dict.fromkeys(("danceability", "energy"), (0.0, 1.0)))
    numbers |= {"key": draw.integers(0, 12, rows)} | _uniform(draw, rows, {"loudness": (-46.4, 1.3)})
    numbers |= {"mode": draw.integers(0, 2, rows)}
    shares = ("speechiness", "acousticness", "instrumentalness", "liveness", "valence")
    numbers |= _uniform(draw, rows, dict.fromkeys(shares, (0.0, 1.0)) | {"tempo": (35.0, 240.0)})
    numbers |= {"duration_ms": draw.integers(4000, 517811, rows)}
    artists = [f"artist {number}" for number in draw.integers(0, 10692, rows)]
    for row in _MISSING:
        artists[row] = ""
    tracks = [f"track{number:017d}" for number in draw.integers(0, 28356, rows)]
    genres = [_GENRES[place] for place in draw.integers(0, len(_GENRES), rows)]
    table: Table = {
        "track_id": tracks,
        "track_name": [f"{track}, the song" for track in tracks],
        "track_artist": artists,
        "track_popularity": _learnable(numbers, draw, 0, 100).round().astype(int),
        "track_album_id": [f"album{number:017d}" for number in draw.integers(0, 22545, rows)],
        "track_album_name": [f"album {number}" for number in draw.integers(0, 19743, rows)],
        "track_album_release_date": [f"20{year:02d}-01-01" for year in draw.integers(0, 20, rows)],
        "playlist_name": [f"playlist {number}" for number in draw.integers(0, 449, rows)],
        "playlist_id": [f"list{number:018d}" for number in draw.integers(0, 471, rows)],
        "playlist_genre": genres,
        "playlist_subgenre": [
            f"{genre} {number}" for genre, number in zip(genres, draw.integers(0, 4, rows), strict=True)
        ],
    }
    _csv(path, table | numbers)


def _mnist(path: Path, draw: Draw) -> None:
    patterns = draw.integers(0, 256, (10, 28, 28))

    def pair(rows: int) -> tuple[Any, Any]:
        labels = draw.integers(0, 10, rows, dtype=np.uint8)
        ink = draw.random((rows, 28, 28), dtype=np.float32) < 0.2  # noqa: PLR2004  # of the pixels, as in the digits
        return (patterns[labels] * ink).astype(np.uint8), labels

    x_train, y_train = pair(60_000)
    x_test, y_test = pair(10_000)
    np.savez_compressed(path, x_train=x_train, y_train=y_train, x_test=x_test, y_test=y_test)


_WRITERS: dict[str, Callable[[Path, Draw], None]] = {
    "red-wine.csv": _red_wine,
    "concrete.csv": _concrete,
    "spotify.csv": _spotify,
    "mnist.npz": _mnist,
}


def _uniform(draw: Draw, rows: int, ranges: dict[str, tuple[float, float]]) -> Table:
    return {name: draw.uniform(*bounds, rows).round(4) for name, bounds in ranges.items()}


def _learnable(columns: Table, draw: Draw, least: float, greatest: float) -> Any:
    """A target that depends on the columns, with noise."""
    scaled = [(column - np.min(column)) / np.ptp(column) for column in map(np.asarray, columns.values())]
    signal = np.mean(scaled, axis=0) + draw.normal(0, 0.05, len(scaled[0]))
    return least + (greatest - least) * (signal - signal.min()) / np.ptp(signal)


def _csv(path: Path, table: Table) -> None:
    with path.open("w", newline="", encoding="utf-8") as file:
        rows = csv.writer(file, lineterminator="\n")
        rows.writerow(table)
        rows.writerows(_plain(zip(*table.values(), strict=True)))


def _plain(rows: Iterable[Iterable[Any]]) -> Iterable[list[Any]]:
    return ([cell.item() if isinstance(cell, np.generic) else cell for cell in row] for row in rows)
