"""Every estimator has a name in full, and says what it assumes."""

from recsim_env.benchmark.off_policy.estimating import ESTIMATORS
from recsim_env.results.estimator_words import estimator_words


def test_all_estimators_have_words_of_their_own():
    found = [estimator_words(name) for name in ESTIMATORS]
    assert len({full for full, _ in found}) == len(ESTIMATORS)
    assert all(assumed for _, assumed in found)
    assert not any(full.startswith("the same") for full, _ in found)  # as what stands above
