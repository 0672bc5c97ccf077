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
class Verdict:
    """Whether the server held, the figures, and the 99th percentiles of its answers to others in milliseconds.

    `is_busy` says that the machine answers late without any attack, so that its times prove nothing.
    """

    result: AttackResult
    health_ms: float
    post_ms: float
    is_busy: bool

    @property
    def is_quick(self) -> bool:
        """Whether the server answered others in time."""
        return self.health_ms < MAX_HEALTH_MS and self.post_ms < MAX_POST_MS

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


def measure_calm(target: Target) -> Samples:
    """Measure how the server answers without an attack."""
    with start_probe(target.url, target.token) as samples:
        time.sleep(_CALM_S)
    return samples


def carry_out(attack: ModuleType, target: Target, calm: Samples) -> Verdict:
    """Prepare an attack, and run it while the probe measures. An attack that was only late is repeated."""
    is_busy = (
        calm.compute_p99_ms("health") > _CALM_SHARE * MAX_HEALTH_MS
        or calm.compute_p99_ms("post") > _CALM_SHARE * MAX_POST_MS
    )
    verdict = _try_attack(attack, target, is_busy=is_busy)
    for _ in range(_MAX_TRIES - 1):
        if verdict.is_passed or not verdict.result.held:
            break
        verdict = _try_attack(attack, target, is_busy=is_busy)
    return verdict


def _try_attack(attack: ModuleType, target: Target, *, is_busy: bool) -> Verdict:
    if hasattr(attack, "prepare_attack"):
        attack.prepare_attack(target)
    with start_probe(target.url, target.token) as samples:
        result = _run_beside(attack, target)
    return Verdict(result, samples.compute_p99_ms("health"), samples.compute_p99_ms("post"), is_busy)


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
