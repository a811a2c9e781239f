"""What the rigs that cut the power share: how a run is asked for, what it found, and who may run it.

A rig is a function of a directory and a Plan that returns its Outcome, or raises Unavailable where the machine can't.
"""

import argparse
import collections
import itertools
import sys
import tempfile
import time
from dataclasses import dataclass, field

import pytest

from harness.failing_drives import POWER_MODELS, Unavailable

FILE_SYSTEMS = ("ext4", "xfs")
BUCKET = "power-cut"
# Between the last answer and a silent cut: longer than any request, shorter than any background flush.
SILENCE_SECONDS = 0.3


@dataclass
class Plan:
    model: str
    file_system: str
    rounds: int
    seconds: float  # Of writing before each cut.
    seed: int

    def __str__(self):
        return f"{self.model} {self.file_system} seed {self.seed}"


@dataclass
class Outcome:
    cuts: collections.Counter = field(default_factory=collections.Counter)  # By what lost its power.
    acknowledged: int = 0
    wrong: list = field(default_factory=list)
    slowest_start_seconds: float = 0.0

    def __str__(self):
        cuts = " and ".join(f"{count} cuts of {what}" for what, count in self.cuts.items())
        return (f"{cuts}, {self.acknowledged} acknowledged, {len(self.wrong)} lost, changed or resurrected, "
                f"slowest start {self.slowest_start_seconds:.2f} s")

    def started_in(self, seconds):
        self.slowest_start_seconds = max(self.slowest_start_seconds, seconds)

    def judge(self, history, clients, damage=()):
        """Every key ever written and the listing, as each of `clients` sees them; keeps what was not as acknowledged."""
        wrong = []
        for s3 in clients:
            wrong += history.verify(s3, BUCKET)
            wrong += [(key, "listing and reading differ") for key in history.verify_listing(s3, BUCKET)]
        for key, _ in wrong:
            history.states.pop(key, None)
        wrong += damage
        self.wrong += wrong
        self.acknowledged = history.acknowledged
        print(f"cut {self.cuts.total()}: {self.acknowledged} acknowledged so far, {len(wrong)} wrong {wrong[:3]}", flush=True)


def combinations(*always):
    """Every model on every file system, as parameters of a test: those named are part of its shorter form too."""
    return [pytest.param(*each, marks=[] if each in always else [pytest.mark.faults_only])
            for each in itertools.product(POWER_MODELS, FILE_SYSTEMS)]


def run_in_test(rig, root, plan):
    try:
        outcome = rig(root, plan)
    except Unavailable as cause:
        pytest.skip(str(cause))
    print(f"{plan}: {outcome}")
    assert outcome.wrong == []
    assert outcome.acknowledged > 20
    return outcome


def run_by_hand(rig, description, rounds):
    """The command line; ends the process with 1 when something was lost, or nothing tried."""
    parser = argparse.ArgumentParser(description=description, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--model", default="log", choices=POWER_MODELS)
    parser.add_argument("--fs", default="xfs", choices=FILE_SYSTEMS)
    parser.add_argument("--rounds", type=int, default=rounds)
    parser.add_argument("--seconds", type=float, default=3.0, help="of writing before each cut")
    parser.add_argument("--seed", type=int, default=int(time.time()))
    asked = parser.parse_args()
    plan = Plan(asked.model, asked.fs, asked.rounds, asked.seconds, asked.seed)
    print(plan, flush=True)
    with tempfile.TemporaryDirectory(prefix="firn-powercut-") as root:
        try:
            outcome = rig(root, plan)
        except Unavailable as cause:
            sys.exit(f"not possible here: {cause}")
    print(f"{plan}: {outcome}")
    sys.exit(1 if outcome.wrong or not outcome.acknowledged else 0)
