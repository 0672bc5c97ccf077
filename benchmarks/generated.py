"""Random data with the shapes, column names and ranges of the experiments' data.

Trainings on them take the same time, but their results have no meaning.
"""

import csv
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from typing import Any

import numpy as np

SEED = 0
_GENRES = ("edm", "latin", "pop", "r&b", "rap", "rock")
_MISSING_ROWS = (8151, 9282, 9283, 19568, 19811)
"""The rows of spotify.csv that `drop_missing` drops."""

Generator = np.random.Generator
Table = dict[str, Sequence[Any]]


def write_file(path: Path) -> None:
    """Write the experiments' file of this name.

    Raises:
        KeyError: no experiment has a file of this name.

    """
    _WRITERS[path.name](path, np.random.default_rng(SEED))


def _write_red_wine(path: Path, generator: Generator) -> None:
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
    columns = _draw_uniform_columns(generator, rows, ranges)
    _write_csv(path, columns | {"quality": _draw_target(columns, generator, 3, 8).round().astype(int)})


def _write_concrete(path: Path, generator: Generator) -> None:
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
    columns = _draw_uniform_columns(generator, rows, ranges) | {"Age": generator.integers(1, 366, rows)}
    _write_csv(path, columns | {"CompressiveStrength": _draw_target(columns, generator, 2.33, 82.6).round(2)})


def _write_spotify(path: Path, generator: Generator) -> None:
    rows = 32833
    numbers = _draw_uniform_columns(generator, rows, dict.fromkeys(("danceability", "energy"), (0.0, 1.0)))
    numbers |= {"key": generator.integers(0, 12, rows)} | _draw_uniform_columns(
        generator, rows, {"loudness": (-46.4, 1.3)}
    )
    numbers |= {"mode": generator.integers(0, 2, rows)}
    shares = ("speechiness", "acousticness", "instrumentalness", "liveness", "valence")
    numbers |= _draw_uniform_columns(generator, rows, dict.fromkeys(shares, (0.0, 1.0)) | {"tempo": (35.0, 240.0)})
    numbers |= {"duration_ms": generator.integers(4000, 517811, rows)}
    artists = [f"artist {number}" for number in generator.integers(0, 10692, rows)]
    for row in _MISSING_ROWS:
        artists[row] = ""
    tracks = [f"track{number:017d}" for number in generator.integers(0, 28356, rows)]
    genres = [_GENRES[index] for index in generator.integers(0, len(_GENRES), rows)]
    table: Table = {
        "track_id": tracks,
        "track_name": [f"{track}, the song" for track in tracks],
        "track_artist": artists,
        "track_popularity": _draw_target(numbers, generator, 0, 100).round().astype(int),
        "track_album_id": [f"album{number:017d}" for number in generator.integers(0, 22545, rows)],
        "track_album_name": [f"album {number}" for number in generator.integers(0, 19743, rows)],
        "track_album_release_date": [f"20{year:02d}-01-01" for year in generator.integers(0, 20, rows)],
        "playlist_name": [f"playlist {number}" for number in generator.integers(0, 449, rows)],
        "playlist_id": [f"list{number:018d}" for number in generator.integers(0, 471, rows)],
        "playlist_genre": genres,
        "playlist_subgenre": [
            f"{genre} {number}" for genre, number in zip(genres, generator.integers(0, 4, rows), strict=True)
        ],
    }
    _write_csv(path, table | numbers)


def _write_mnist(path: Path, generator: Generator) -> None:
    patterns = generator.integers(0, 256, (10, 28, 28))

    def draw_images(rows: int) -> tuple[Any, Any]:
        labels = generator.integers(0, 10, rows, dtype=np.uint8)
        ink = generator.random((rows, 28, 28), dtype=np.float32) < 0.2  # noqa: PLR2004  # of the pixels, as in the digits
        return (patterns[labels] * ink).astype(np.uint8), labels

    x_train, y_train = draw_images(60_000)
    x_test, y_test = draw_images(10_000)
    np.savez_compressed(path, x_train=x_train, y_train=y_train, x_test=x_test, y_test=y_test)


_WRITERS: dict[str, Callable[[Path, Generator], None]] = {
    "red-wine.csv": _write_red_wine,
    "concrete.csv": _write_concrete,
    "spotify.csv": _write_spotify,
    "mnist.npz": _write_mnist,
}


def _draw_uniform_columns(generator: Generator, rows: int, ranges: dict[str, tuple[float, float]]) -> Table:
    return {name: generator.uniform(*bounds, rows).round(4) for name, bounds in ranges.items()}


def _draw_target(columns: Table, generator: Generator, minimum: float, maximum: float) -> Any:
    """Draw a target that depends on the columns, with noise."""
    scaled = [(column - np.min(column)) / np.ptp(column) for column in map(np.asarray, columns.values())]
    signal = np.mean(scaled, axis=0) + generator.normal(0, 0.05, len(scaled[0]))
    return minimum + (maximum - minimum) * (signal - signal.min()) / np.ptp(signal)


def _write_csv(path: Path, table: Table) -> None:
    with path.open("w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(table)
        writer.writerows(_convert_to_python(zip(*table.values(), strict=True)))


def _convert_to_python(rows: Iterable[Iterable[Any]]) -> Iterable[list[Any]]:
    return ([cell.item() if isinstance(cell, np.generic) else cell for cell in row] for row in rows)
