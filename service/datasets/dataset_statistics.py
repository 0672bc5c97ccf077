"""Statistics of a dataset's columns or arrays for people to look at. No check of a spec reads them."""

from pydantic import BaseModel, ConfigDict


class _Statistics(BaseModel):
    model_config = ConfigDict(frozen=True)


class Histogram(_Statistics):
    """Counts of numbers between neighbouring edges, as `numpy.histogram` counts them: one more edge than counts."""

    edges: list[float]
    counts: list[int]


class ValueCount(_Statistics):
    """A value and the number of rows that have it. Texts are cut to 100 characters."""

    value: bool | int | str
    count: int


class ValueStatistics(_Statistics):
    """Statistics of one column of a table, or of one array.

    `count` is the number of values, and `missing` the number of rows without one. `sampled` is null if the statistics
    count every value. Otherwise it is the number of evenly spaced values that they count.

    `distinct` is the number of different values, if there are few. `most_frequent` has the values with most rows
    first. It lists all of them if there are at most 20, and then numbers have no `histogram`. Otherwise it leaves out
    values of a single row. Numbers have `mean`, `standard_deviation` (of the population, as in NumPy) and `median`.
    Dates and times have the `earliest` and the `latest` one as ISO 8601; their other statistics count days.
    """

    name: str
    count: int
    missing: int = 0
    sampled: int | None = None
    distinct: int | None = None
    most_frequent: list[ValueCount] | None = None
    histogram: Histogram | None = None
    mean: float | None = None
    standard_deviation: float | None = None
    median: float | None = None
    earliest: str | None = None
    latest: str | None = None


class DatasetStatistics(_Statistics):
    """Statistics of the columns of a table, or of the arrays of a file; the other list is null.

    Where all statistics together would be too long, the longest ones are left out.
    """

    columns: list[ValueStatistics] | None = None
    arrays: list[ValueStatistics] | None = None
