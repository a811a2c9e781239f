"""The power of all drives goes while clients write. Both models of what a drive forgets, on both file systems."""

import pytest

from fault.powercut import cut_power
from harness.failing_drives import Unavailable

# The longer form makes at least forty cuts over the four combinations, the shorter one a few over two of them.
ROUNDS, ROUNDS_FULL = 2, 11


@pytest.mark.faults
@pytest.mark.parametrize("model, file_system", [
    ("log", "ext4"), ("cache", "xfs"), pytest.param("log", "xfs", marks=pytest.mark.faults_only),
    pytest.param("cache", "ext4", marks=pytest.mark.faults_only)])
def test_nothing_acknowledged_is_lost_with_the_power(tmp_path, seed, full, model, file_system):
    try:
        outcome = cut_power(tmp_path, model, file_system, ROUNDS_FULL if full else ROUNDS, seed, 3.0 if full else 2.0)
    except Unavailable as cause:
        pytest.skip(str(cause))
    print(f"seed {seed}: {outcome}")
    assert outcome.wrong == []
    assert outcome.cuts and outcome.acknowledged > 20
