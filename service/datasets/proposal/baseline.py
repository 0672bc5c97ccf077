"""The baseline of a proposal: the score of a predictor that ignores the features."""

from typing import Literal

from pydantic import BaseModel, ConfigDict, Field

from service.datasets.proposal.target import ProposedTarget


class Baseline(BaseModel):
    """The score that a network has to beat."""

    model_config = ConfigDict(frozen=True)

    metric: Literal["accuracy", "mse"] = Field(description="A metric of the proposed spec.")
    value: float | None = Field(description="The score, or null where the description of the dataset does not tell.")
    message: str


def compute_baseline(target: ProposedTarget) -> Baseline:
    """Return the accuracy of the most frequent class, or the error of the mean."""
    if target.task == "regression":
        return _describe_mean()
    most_frequent = _count_most_frequent(target)
    if most_frequent is None:
        message = (
            "The share of the most frequent class is unknown, because the classes are not counted. "
            f"A guess among {len(target.categories)} classes that are equally frequent has an accuracy of "
            f"{1 / len(target.categories):.3g}."
        )
        return Baseline(metric="accuracy", value=None, message=message)
    value = most_frequent / target.rows
    message = f"Always predicting the most frequent class has an accuracy of {value:.3g}."
    return Baseline(metric="accuracy", value=value, message=message)


def _describe_mean() -> Baseline:
    message = (
        "Always predicting the mean has a mean squared error of about 1, because the target is standardized: "
        "the unit of the errors is the target's standard deviation."
    )
    return Baseline(metric="mse", value=1.0, message=message)


def _count_most_frequent(target: ProposedTarget) -> int | None:
    """Return the rows of the most frequent class, if they follow from those of the rarest."""
    if target.rarest_rows is None:
        return None
    classes = len(target.categories)
    if classes == len(("rarest", "other")):
        return target.rows - target.rarest_rows
    return target.rarest_rows if target.rarest_rows * classes == target.rows else None
