"""Rules about a search and its space, once the space is resolved."""

from collections.abc import Iterator

from stackyard.spec.reading.faults import Fault, PatchOperation
from stackyard.sweep.search_space import SearchSpace
from stackyard.sweep.sweep_spec import MAX_TRIALS, SweepSpec


def check_search(sweep: SweepSpec, space: SearchSpace) -> Iterator[Fault]:
    """Yield a fault for a method that cannot search the space, and for a search without an end."""
    if sweep.method == "grid":
        yield from _check_grid(sweep, space)
    elif sweep.method in ("random", "sobol", "tpe"):
        yield from _check_sampling(sweep, space)


def _check_grid(sweep: SweepSpec, space: SearchSpace) -> Iterator[Fault]:
    for dimension in space.all_dimensions:
        if not dimension.options and dimension.size is None:
            message = "expected a parameter with a number of values, as the method is a grid; it is continuous"
            yield Fault(pointer=dimension.space_pointer, message=message, fix='list its "values", or give a "step"')
    if space.size is not None and space.size > MAX_TRIALS and sweep.budget.trials is None:
        message = f"expected a grid of at most {MAX_TRIALS} combinations, or a budget of trials; it has {space.size}"
        yield Fault(pointer="/space", message=message, fix='use the method "random" with a budget')


def _check_sampling(sweep: SweepSpec, space: SearchSpace) -> Iterator[Fault]:
    if not space.dimensions:
        message = f'expected a "space" with parameters for the method {sweep.method}, received none'
        yield Fault(pointer="", message=message)
    budget = sweep.budget
    if (budget.trials, budget.epochs, budget.seconds) == (None, None, None) and space.size is None:
        message = 'expected a "budget" with "trials", "epochs" or "seconds", as the search has no end'
        is_given = "budget" in sweep.model_fields_set
        path = "/budget/trials" if is_given else "/budget"
        patch = (PatchOperation(op="add", path=path, value=100),)
        yield Fault(
            pointer="/budget" if is_given else "",
            message=message,
            fix='such as "budget": {"trials": 100}',
            patch=patch,
        )
