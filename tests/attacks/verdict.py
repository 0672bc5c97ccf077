"""Carries out attacks while a probe measures how the server answers others, and judges both."""

import importlib
import multiprocessing
import os
import pkgutil
import time
import traceback
from dataclasses import dataclass, replace
from multiprocessing.connection import Connection
from types import ModuleType

import httpx2

import tests.attacks
from tests.attacks.probe import Samples, start_probe
from tests.attacks.target import AttackResult, Target

MAX_HEALTH_MS = 100.0
MAX_POST_MS = 300.0
_CALM_SHARE = 0.5
_CALM_S = 3.0
_MAX_TRIES = 3
_NICENESS = 5
_TIMEOUT_S = 180


@dataclass(frozen=True)
class AnswerTimes:
    """The 99th percentiles of the answers to others in milliseconds, and the load of the machine after a minute."""

    health_ms: float
    post_ms: float
    load: float

    def are_below(self, share: float) -> bool:
        """Return whether both times are below this share of their bounds."""
        return self.health_ms < share * MAX_HEALTH_MS and self.post_ms < share * MAX_POST_MS

    def list_cells(self) -> list[str]:
        """Return the cells of a table."""
        return [f"{self.health_ms:.0f} ms", f"{self.post_ms:.0f} ms", f"{self.load:.1f}"]


@dataclass(frozen=True)
class Verdict:
    """Whether the server held, the figures, and its answers to others just before the attack and during it."""

    result: AttackResult
    calm: AnswerTimes
    attacked: AnswerTimes

    @property
    def is_quick(self) -> bool:
        """Whether the server answered others in time."""
        return self.attacked.are_below(1)

    @property
    def is_busy(self) -> bool:
        """Whether the machine answers late without the attack, so that its times prove nothing."""
        return not self.calm.are_below(_CALM_SHARE)

    @property
    def is_passed(self) -> bool:
        """Whether the server held, and answered others in time unless the machine is busy."""
        return self.result.held and (self.is_quick or self.is_busy)

    def __str__(self) -> str:
        """Return the verdict in words."""
        if not self.result.held:
            return "did not hold"
        return "held" if self.is_quick else "held; the machine is busy" if self.is_busy else "late"


def find_attacks(names: list[str]) -> list[ModuleType]:
    """Return the attacks, in the order of their points."""
    found = [module.name for module in pkgutil.iter_modules(tests.attacks.__path__) if module.name != "__main__"]
    if unknown := set(names) - set(found):
        raise SystemExit(f"there is no attack {', '.join(sorted(unknown))}; the attacks: {', '.join(found)}")
    modules = [importlib.import_module(f"tests.attacks.{name}") for name in names or found]
    return sorted((module for module in modules if hasattr(module, "run_attack")), key=lambda module: module.POINT)


def carry_out(attack: ModuleType, target: Target) -> Verdict:
    """Prepare an attack, and run it while the probe measures. An attack that was only late is repeated."""
    verdict = _try_attack(attack, target)
    for _ in range(_MAX_TRIES - 1):
        if verdict.is_passed or not verdict.result.held:
            break
        verdict = _try_attack(attack, target)
    return verdict


def _try_attack(attack: ModuleType, target: Target) -> Verdict:
    if hasattr(attack, "prepare_attack"):
        attack.prepare_attack(target)
    with start_probe(target.url, target.token) as calm:
        time.sleep(_CALM_S)
    before = _summarize_times(calm)
    with start_probe(target.url, target.token) as samples:
        result = _run_beside(attack, target)
    return Verdict(result, before, _summarize_times(samples))


def _summarize_times(samples: Samples) -> AnswerTimes:
    return AnswerTimes(samples.compute_p99_ms("health"), samples.compute_p99_ms("post"), os.getloadavg()[0])


def _run_beside(attack: ModuleType, target: Target) -> AttackResult:
    """Run an attack in another process with a lower priority, because an attacker does not use the server's cores."""
    context = multiprocessing.get_context("fork")
    receiver, sender = context.Pipe(duplex=False)
    process = context.Process(target=_send_result, args=(attack, target, sender))
    process.start()
    sender.close()
    try:
        return receiver.recv() if receiver.poll(_TIMEOUT_S) else AttackResult(held=False, figures={"error": "no end"})
    except EOFError:
        return AttackResult(held=False, figures={"error": "the attacking process died"})
    finally:
        process.kill()
        process.join()


def _send_result(attack: ModuleType, target: Target, sender: Connection) -> None:
    """Run an attack. One that fails counts as one that the server did not hold."""
    os.nice(_NICENESS)
    headers = dict(target.client.headers)
    try:
        with httpx2.Client(base_url=target.url, headers=headers, timeout=60) as client:
            sender.send(attack.run_attack(replace(target, client=client)))
    except Exception as error:  # noqa: BLE001  # the other attacks still run
        traceback.print_exc()
        sender.send(AttackResult(held=False, figures={"error": repr(error)}))
