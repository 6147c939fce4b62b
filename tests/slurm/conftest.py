"""A SLURM for the tests of this folder, or the reason why there is none."""

from collections.abc import Iterator

import pytest

from tests.slurm.cluster import Cluster, obstacle


@pytest.fixture(scope="session")
def cluster(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Cluster]:
    """Three nodes with two stand-in GPUs each."""
    reason = obstacle()
    if reason:
        pytest.skip(f"no SLURM test here: {reason}")
    with Cluster(tmp_path_factory.mktemp("cluster")) as running:
        yield running
