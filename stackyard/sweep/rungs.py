"""The epochs at which successive halving decides."""

from stackyard.sweep.sweep_spec import Halving, SweepSpec


def list_rungs(halving: Halving, epochs: int) -> tuple[int, ...]:
    """Return the numbers of epochs at which trials pause, ascending, and at the end that of a complete training."""
    rungs: list[int] = []
    rung = halving.from_epoch
    while rung < epochs:
        rungs.append(rung)
        rung *= halving.eta
    return (*rungs, epochs)


def list_sweep_rungs(sweep: SweepSpec) -> tuple[int, ...]:
    """Return the rungs of a sweep with halving; empty without halving."""
    if sweep.halving is None or sweep.base is None:
        return ()
    return list_rungs(sweep.halving, sweep.base.training.epochs)
