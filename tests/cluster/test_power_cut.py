"""The power of one node, or of all, goes while clients write. Both models of what a drive forgets, on both file systems."""

import pytest

from cluster.powercut import cut_power
from harness.failing_drives import Unavailable

ROUNDS, ROUNDS_FULL = 2, 12


@pytest.mark.faults
@pytest.mark.parametrize("model, file_system", [
    ("cache", "xfs"), pytest.param("log", "ext4", marks=pytest.mark.faults_only),
    pytest.param("log", "xfs", marks=pytest.mark.faults_only), pytest.param("cache", "ext4", marks=pytest.mark.faults_only)])
def test_nothing_acknowledged_is_lost_with_the_power_of_nodes(tmp_path, seed, full, model, file_system):
    try:
        outcome = cut_power(tmp_path, model, file_system, ROUNDS_FULL if full else ROUNDS, seed, 3.0 if full else 2.0)
    except Unavailable as cause:
        pytest.skip(str(cause))
    print(f"seed {seed}: {outcome}")
    assert outcome.wrong == []
    assert outcome.cuts_of_all and outcome.cuts_of_one and outcome.acknowledged > 20
