"""Proposals: a small network for a dataset and a target, and the baseline that it has to beat."""

from service.datasets.proposal.proposer import Proposal, propose_spec
from service.datasets.proposal.target import TaskKind

__all__ = ["Proposal", "TaskKind", "propose_spec"]
