"""Probable mistakes of a valid sweep."""

from collections.abc import Iterator

from service.sweeps.sweep_report import Plan, Samples
from stackyard.spec import Advice
from stackyard.spec.reading.faults import format_value
from stackyard.sweep import Dimension, LogUniform, ResolvedObjective, SearchSpace, SweepSpec, Uniform

_COMPILED_PARTS = ("/network/", "/training/optimizer/", "/training/loss/")
_LEARNING_RATE = "/training/optimizer/learning_rate"
_TPE_STARTUP_TRIALS = 10
"""Number of complete trials before Optuna's sampler learns from them."""


def find_sweep_warnings(
    sweep: SweepSpec,
    space: SearchSpace,
    objective: ResolvedObjective,
    plan: Plan,
    samples: Samples,
    *,
    trains_on_jax: bool,
) -> Iterator[Advice]:
    """Yield the warnings about a sweep as a whole."""
    if trains_on_jax:
        yield from _warn_about_compiled_numbers(space)
    yield from _warn_about_samples(samples)
    yield from _warn_about_objective(objective)
    yield from _warn_about_budget(sweep, space, plan)
    yield from _warn_about_single_values(space)


def _warn_about_samples(samples: Samples) -> Iterator[Advice]:
    if samples.invalid:
        first = samples.errors[0].fault
        message = (
            f"{samples.invalid} of {samples.count} sampled trials are not valid; the first error: {first.message}"
        )
        fix = "narrow the space; trials that are not valid cost no budget"
        yield Advice(code="invalid_samples", pointer=first.pointer, message=message, fix=first.fix or fix)


def _warn_about_objective(objective: ResolvedObjective) -> Iterator[Advice]:
    if not objective.metric.startswith("val_"):
        message = f"The objective {format_value(objective.metric)} is measured on the training rows."
        fix = 'give the base a "validation" in its "split", and compare a metric that begins with "val_"'
        yield Advice(code="objective_on_training_rows", pointer="/objective", message=message, fix=fix)


def _warn_about_budget(sweep: SweepSpec, space: SearchSpace, plan: Plan) -> Iterator[Advice]:
    trials = sweep.budget.trials
    if sweep.method == "grid" and trials is not None and space.size is not None and trials < space.size:
        message = f"The budget allows {trials} of the {space.size} combinations: only the first values of the first "
        message += "parameters are tried."
        fix = 'use the method "sobol" or "random", or a larger budget'
        yield Advice(code="grid_exceeds_budget", pointer="/budget/trials", message=message, fix=fix)
    if sweep.method == "tpe" and plan.trials is not None and plan.trials <= _TPE_STARTUP_TRIALS:
        message = f'The method "tpe" draws its first {_TPE_STARTUP_TRIALS} trials at random; there are {plan.trials}.'
        fix = 'use the method "sobol", or a larger budget'
        yield Advice(code="few_trials_for_tpe", pointer="/search", message=message, fix=fix)
    if sweep.halving is not None and plan.trials is not None:
        needed = sweep.halving.eta ** (len(plan.rungs) - 1)
        if plan.trials < needed:
            message = f"There are {len(plan.rungs)} rungs, and {plan.trials} trials: fewer than one reaches the last."
            fix = f'give "from_epoch" a larger value, or run at least {needed} trials'
            yield Advice(code="few_trials_for_rungs", pointer="/halving", message=message, fix=fix)


def _warn_about_compiled_numbers(space: SearchSpace) -> Iterator[Advice]:
    """Warn once, at the first number that differs in every trial and is a constant of JAX's compiled functions."""
    dimension = next(filter(_is_compiled_number, space.all_dimensions), None)
    if dimension is not None:
        message = f"JAX compiles a network anew for each value of {format_value(dimension.pointer)}, for some seconds."
        fix = 'for short trials, set "backend" in the "run" of the base to "tensorflow": there all values share it'
        yield Advice(code="compiled_number", pointer=dimension.space_pointer, message=message, fix=fix)


def _is_compiled_number(dimension: Dimension) -> bool:
    is_continuous = isinstance(dimension.parameter, (Uniform, LogUniform)) and dimension.size is None
    return is_continuous and dimension.pointer.startswith(_COMPILED_PARTS) and dimension.pointer != _LEARNING_RATE


def _warn_about_single_values(space: SearchSpace) -> Iterator[Advice]:
    for dimension in space.all_dimensions:
        if dimension.size == 1 and dimension in space.dimensions:
            message = f"The parameter {format_value(dimension.pointer)} has a single value."
            fix = "write the value into the base"
            yield Advice(code="single_value", pointer=dimension.space_pointer, message=message, fix=fix)
