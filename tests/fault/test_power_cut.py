"""The power of all drives goes while clients write. Both models of what a drive forgets, on both file systems."""

import pytest

from fault.powercut import cut_power
from harness.power_cuts import Plan, combinations, run_in_test

# The longer form makes at least forty cuts over the four combinations, the shorter one a few over two of them.
ROUNDS, ROUNDS_FULL = 2, 11


@pytest.mark.faults
@pytest.mark.parametrize("model, file_system", combinations(("log", "ext4"), ("cache", "xfs")))
def test_nothing_acknowledged_is_lost_with_the_power(tmp_path, seed, full, model, file_system):
    plan = Plan(model, file_system, ROUNDS_FULL if full else ROUNDS, 3.0 if full else 2.0, seed)
    assert run_in_test(cut_power, tmp_path, plan).cuts["all drives"] == plan.rounds
