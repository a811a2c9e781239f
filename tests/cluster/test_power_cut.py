"""The power of one node, or of all, goes while clients write. Both models of what a drive forgets, on both file systems."""

import pytest

from cluster.powercut import cut_power
from harness.power_cuts import Plan, combinations, run_in_test

ROUNDS, ROUNDS_FULL = 2, 12


@pytest.mark.faults
@pytest.mark.parametrize("model, file_system", combinations(("cache", "xfs")))
def test_nothing_acknowledged_is_lost_with_the_power_of_nodes(tmp_path, seed, full, model, file_system):
    plan = Plan(model, file_system, ROUNDS_FULL if full else ROUNDS, 3.0 if full else 2.0, seed)
    cuts = run_in_test(cut_power, tmp_path, plan).cuts
    assert cuts["all nodes"] and cuts["one node"]
