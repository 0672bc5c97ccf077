"""The language of sweeps: parse a sweep, resolve its search space, and build the job specs of its trials. No I/O."""

from stackyard.sweep.objective import ResolvedObjective, check_objective, resolve_objective
from stackyard.sweep.parameters import SPEC_INDEX, Parameters
from stackyard.sweep.rungs import list_rungs, list_sweep_rungs
from stackyard.sweep.search_space import Dimension, SearchSpace
from stackyard.sweep.seeds import derive_seed
from stackyard.sweep.space import Choice, IntRange, LogUniform, Option, Parameter, Space, Uniform, Values
from stackyard.sweep.space_resolution import resolve_space
from stackyard.sweep.sweep_parser import dump_sweep_spec, load_sweep_spec, parse_sweep_spec, widen_limits
from stackyard.sweep.sweep_spec import Budget, Halving, Method, Objective, Repeats, Search, Stop, SweepSpec
from stackyard.sweep.trials import TrialSpecBuilder, build_trial_spec

__all__ = [
    "SPEC_INDEX",
    "Budget",
    "Choice",
    "Dimension",
    "Halving",
    "IntRange",
    "LogUniform",
    "Method",
    "Objective",
    "Option",
    "Parameter",
    "Parameters",
    "Repeats",
    "ResolvedObjective",
    "Search",
    "SearchSpace",
    "Space",
    "Stop",
    "SweepSpec",
    "TrialSpecBuilder",
    "Uniform",
    "Values",
    "build_trial_spec",
    "check_objective",
    "derive_seed",
    "dump_sweep_spec",
    "list_rungs",
    "list_sweep_rungs",
    "load_sweep_spec",
    "parse_sweep_spec",
    "resolve_objective",
    "resolve_space",
    "widen_limits",
]
