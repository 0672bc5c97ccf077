"""Proposals: the next trial's parameters, as pure functions of the sweep's seed, the number and the trials so far."""

from service.sweeps.proposals.proposer import propose_batch, propose_parameters
from service.sweeps.proposals.seen_trial import Outcome, SeenTrial

__all__ = ["Outcome", "SeenTrial", "propose_batch", "propose_parameters"]
