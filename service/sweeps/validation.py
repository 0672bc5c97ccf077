"""Validation of a sweep before anything is written, and the report on it."""

import re
import time
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace

from sqlalchemy.orm import Session

from models import Backend
from service.jobs.estimates import compute_architecture_key
from service.jobs.validation import ValidatedSpec
from service.queue import placement
from service.sweeps import planning
from service.sweeps.planning import CheckedSample
from service.sweeps.sampling import sample_parameters
from service.sweeps.sweep_report import SampleError, Samples, SweepReport
from service.sweeps.sweep_warnings import find_sweep_warnings
from service.sweeps.trial_validation import TrialValidator
from stackyard.spec import Advice, Fault, Limits, Report, SpecError
from stackyard.sweep import (
    Parameters,
    ResolvedObjective,
    SearchSpace,
    SweepSpec,
    list_sweep_rungs,
    parse_sweep_spec,
    resolve_objective,
    resolve_space,
)

_SAMPLING_CPU_S = 0.08
"""Processor time after which no more samples are checked. Networks of a thousand layers take long."""
_MIN_SAMPLES = 5
"""Number of samples that are always checked."""
_MAX_SAMPLE_ERRORS = 20
_NUMBER = re.compile(r"\d+(\.\d+)?(e[+-]?\d+)?")


@dataclass(frozen=True)
class ValidatedSweep:
    """A valid sweep.

    Attributes:
        sweep: The sweep with every default filled in.
        space: Its resolved space.
        objective: Its objective, with metric and direction.
        rungs: The epochs at which halving decides, and those of a complete training; empty without halving.
        specs: The valid specs of a list, for the first repeat of each; empty for other methods.

    """

    sweep: SweepSpec
    space: SearchSpace
    objective: ResolvedObjective
    rungs: tuple[int, ...]
    specs: tuple[ValidatedSpec, ...] = ()


def validate_sweep(session: Session, document: bytes, limits: Limits) -> ValidatedSweep:
    """Parse a sweep, resolve its space, and check that a trial of it can run; of a list, that all can.

    Args:
        session: to read from.
        document: the sweep, as the client sent it.
        limits: the bounds on each job.

    Raises:
        SpecError: the sweep is not valid; it lists every fault, at pointers into the document.

    """
    sweep = parse_sweep_spec(document, limits)
    validated = _resolve(sweep)
    validator = TrialValidator(session, sweep, validated.space, limits)
    if sweep.method == "list":
        return replace(validated, specs=_validate_list(validator, sample_parameters(sweep, validated.space)))
    _check_samples(validator, sample_parameters(sweep, validated.space), stop_at_valid=True)
    return validated


def check_sweep(session: Session, document: bytes, limits: Limits) -> SweepReport:
    """Return the report on a sweep.

    Raises:
        SpecError: as `validate_sweep`.

    """
    sweep = parse_sweep_spec(document, limits)
    validated = _resolve(sweep)
    validator = TrialValidator(session, sweep, validated.space, limits)
    reports, samples = _check_samples(validator, sample_parameters(sweep, validated.space))
    checked = [_summarize_report(report) for report in reports]
    plan = planning.plan_sweep(sweep, validated.space, checked)
    queue = placement.choose_queue(session, reports[0].spec.run.device)
    backends = {placement.choose_backend(session, report.spec, queue).name for report in reports}
    warnings = find_sweep_warnings(
        sweep, validated.space, validated.objective, plan, samples, trains_on_jax=Backend.JAX in backends
    )
    return SweepReport(
        objective=validated.objective,
        dimensions=len(validated.space.all_dimensions),
        grid_size=validated.space.size,
        plan=plan,
        samples=samples,
        architectures=len({sample.architecture for sample in checked}),
        duration=planning.estimate_duration(session, sweep, plan, checked),
        warnings=[*warnings, *_move_warnings(sweep, reports[0].warnings)],
    )


def _resolve(sweep: SweepSpec) -> ValidatedSweep:
    return ValidatedSweep(sweep, resolve_space(sweep), resolve_objective(sweep), list_sweep_rungs(sweep))


def _validate_list(validator: TrialValidator, samples: Iterable[Parameters]) -> tuple[ValidatedSpec, ...]:
    specs: list[ValidatedSpec] = []
    faults: list[Fault] = []
    for parameters in samples:
        try:
            specs.append(validator.validate_trial(parameters))
        except SpecError as error:
            faults += error.faults
    if faults:
        raise SpecError(faults)
    return tuple(specs)


def _check_samples(
    validator: TrialValidator, samples: Iterable[Parameters], *, stop_at_valid: bool = False
) -> tuple[list[Report], Samples]:
    """Check samples for a bounded time.

    Raises:
        SpecError: all of them are invalid. It has the faults of the first one.

    """
    reports: list[Report] = []
    invalid: list[tuple[Parameters, SpecError]] = []
    deadline = time.thread_time() + _SAMPLING_CPU_S
    for parameters in samples:
        try:
            reports.append(validator.check_trial(parameters))
        except SpecError as error:
            invalid.append((parameters, error))
        count = len(reports) + len(invalid)
        if (stop_at_valid and reports) or (count >= _MIN_SAMPLES and time.thread_time() > deadline):
            break
    if not reports:
        raise SpecError(invalid[0][1].faults)
    return reports, Samples(len(reports) + len(invalid), len(invalid), _group_errors(invalid))


def _group_errors(invalid: Iterable[tuple[Parameters, SpecError]]) -> list[SampleError]:
    """Return the different errors, the most frequent first. Errors that differ only in numbers are the same."""
    groups: dict[tuple[str, str], SampleError] = {}
    for parameters, error in invalid:
        for fault in error.faults:
            key = (fault.pointer, _NUMBER.sub("#", fault.message))
            group = groups.get(key, SampleError(fault, 0, parameters))
            groups[key] = replace(group, count=group.count + 1)
    return sorted(groups.values(), key=lambda group: -group.count)[:_MAX_SAMPLE_ERRORS]


def _summarize_report(report: Report) -> CheckedSample:
    spec = report.spec
    architecture = compute_architecture_key(spec.model_dump(mode="json"), spec.data.dataset)
    return CheckedSample(architecture, spec.training.epochs, spec.run.device)


def _move_warnings(sweep: SweepSpec, warnings: Sequence[Advice]) -> list[Advice]:
    """Return warnings about a trial at pointers into the sweep."""
    prefix = "/specs/0" if sweep.method == "list" else "/base"
    return [warning.model_copy(update={"pointer": prefix + warning.pointer}) for warning in warnings]
