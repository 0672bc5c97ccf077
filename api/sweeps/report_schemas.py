"""The response schemas of the check of a sweep."""

from typing import Any, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, JsonValue

from service.sweeps.sweep_report import SweepReport
from stackyard.spec import Advice, Fault

_MAX_JSON_INTEGER = 2**53
"""Integers above it lose digits in clients that read JSON numbers as floats."""


class _ReportView(BaseModel):
    model_config = ConfigDict(from_attributes=True)


class ObjectiveView(_ReportView):
    """The objective with its metric and direction filled in."""

    metric: str
    mode: Literal["min", "max"]
    at: Literal["best", "last"]


class SampleErrorView(_ReportView):
    """An error of sampled trials, at a pointer into the sweep, with the parameters of the first trial that has it."""

    fault: Fault
    count: int = Field(description="Number of sampled trials that have it.")
    parameters: dict[str, JsonValue]


class SamplesView(_ReportView):
    """The trials that were built and checked as jobs."""

    count: int
    invalid: int
    errors: list[SampleErrorView] = Field(description="The different errors, the most frequent first.")


class RungView(_ReportView):
    """A rung of halving. The last one is a complete training."""

    epoch: int = Field(description="Number of epochs after which trials pause.")
    trials: int = Field(description="About how many trials reach it; 0 where the number of trials is unknown.")


class PlanView(_ReportView):
    """How much the sweep runs if it uses its budget up; null where the budget does not say."""

    trials: int | None
    jobs: int | None = Field(description="One for each repeat of each trial.")
    epochs: int | None = Field(description="About how many epochs all jobs train together.")
    rungs: list[RungView]


class DurationView(_ReportView):
    """An estimate from past runs of the same architectures."""

    training_s: float = Field(description="Seconds of all trainings together.")
    elapsed_s: float | None = Field(description="Seconds on the workers that are alive; null without a worker.")
    known_share: float = Field(description="Share of the sampled trials whose architecture has past runs.")


class SweepReportView(_ReportView):
    """The report on a sweep that can run."""

    objective: ObjectiveView
    dimensions: int = Field(description="Number of parameters, those of all options included.")
    grid_size: int | None = Field(
        description="Number of combinations; null if a parameter is continuous, or above 2^53."
    )
    plan: PlanView
    samples: SamplesView
    architectures: int = Field(description="Number of different architectures among the samples.")
    duration: DurationView | None
    warnings: list[Advice]

    @classmethod
    def of(cls, report: SweepReport) -> Self:
        """Return the view of a report."""
        view: Any = cls.model_validate(report)
        if report.grid_size is not None and report.grid_size > _MAX_JSON_INTEGER:
            return view.model_copy(update={"grid_size": None})
        return view
