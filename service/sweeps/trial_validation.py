"""Validation of the job specs of a sweep's trials. Each dataset is loaded once for all of them."""

from sqlalchemy.orm import Session

from service.datasets import catalog
from service.errors import InvalidInput
from service.jobs.validation import (
    DescribedDataset,
    ValidatedSpec,
    build_validated_spec,
    check_described_spec,
    describe_dataset,
)
from stackyard.spec import JobSpec, Limits, Report, SpecError, TableData
from stackyard.sweep import (
    Parameters,
    SearchSpace,
    SweepSpec,
    TrialSpecBuilder,
    check_objective,
    resolve_objective,
)


class TrialValidator:
    """Builds and checks the job specs of trials.

    Args:
        session: to read datasets from, during each call.
        sweep: the sweep.
        space: its resolved space.
        limits: the bounds on each job.

    """

    def __init__(self, session: Session, sweep: SweepSpec, space: SearchSpace, limits: Limits) -> None:
        self._session = session
        self._builder = TrialSpecBuilder(sweep, space)
        self._objective = resolve_objective(sweep)
        self._limits = limits
        self._datasets: dict[str, DescribedDataset] = {}

    def validate_trial(self, parameters: Parameters, repeat: int = 0) -> ValidatedSpec:
        """Return the valid spec of one repeat of a trial.

        Raises:
            SpecError: the spec is not valid, there is no such dataset, or its history lacks the objective. The faults
                are at pointers into the sweep.

        """
        report = self.check_trial(parameters, repeat)
        spec = report.spec
        test_dataset = self._find_test_dataset(spec)
        return build_validated_spec(
            report,
            self._find_dataset(spec.data.dataset).dataset,
            None if test_dataset is None else test_dataset.dataset,
        )

    def check_trial(self, parameters: Parameters, repeat: int = 0) -> Report:
        """Return the report on the spec of one repeat of a trial.

        Raises:
            SpecError: as `validate_trial`.

        """
        spec = self._builder.parse(parameters, repeat)
        try:
            report = self._check_spec(spec)
        except SpecError as error:
            raise SpecError(self._builder.trace_faults(parameters, error)) from None
        if fault := check_objective(self._objective, report.metrics):
            raise SpecError([fault])
        return report

    def _check_spec(self, spec: JobSpec) -> Report:
        try:
            dataset = self._find_dataset(spec.data.dataset)
            test_dataset = self._find_test_dataset(spec)
        except InvalidInput as error:
            raise SpecError(error.faults) from None
        return check_described_spec(spec, dataset, self._limits, test_dataset)

    def _find_test_dataset(self, spec: JobSpec) -> DescribedDataset | None:
        ref = spec.data.test_dataset if isinstance(spec.data, TableData) else None
        return None if ref is None else self._find_dataset(ref, "/data/test_dataset")

    def _find_dataset(self, ref: str, pointer: str = "/data/dataset") -> DescribedDataset:
        if ref not in self._datasets:
            self._datasets[ref] = describe_dataset(catalog.find_dataset(self._session, ref, pointer))
        return self._datasets[ref]
