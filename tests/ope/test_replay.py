"""Replay of policies that learn, against playing them."""

import numpy as np
import pytest

from recsim_env.ope.replay import replay

MEANS = np.array([0.2, 0.5, 0.8])


class Greedy:
    """Plays what has earned most, each action once first."""

    def __init__(self):
        self.sums, self.counts = np.zeros(3), np.zeros(3)

    def choose(self, context):
        return int(np.argmax((self.sums + 1) / (self.counts + 1)))

    def learn(self, context, action, reward):
        self.sums[action] += reward
        self.counts[action] += 1


def played(n, rng):
    policy, earned = Greedy(), []
    for _ in range(n):
        action = policy.choose(None)
        earned.append(float(rng.uniform() < MEANS[action]))
        policy.learn(None, action, earned[-1])
    return np.mean(earned)


def logged(n, chance, rng):
    action = rng.choice(3, size=n, p=chance)
    return action, (rng.uniform(size=n) < MEANS[action]).astype(float), np.array(chance)[action]


@pytest.mark.parametrize("chance", [[1 / 3, 1 / 3, 1 / 3], [0.6, 0.2, 0.2]])
def test_a_learning_policy_earns_what_it_would_have(chance):
    rng = np.random.default_rng(0)
    found = [replay(Greedy(), *logged(150, chance, rng)) for _ in range(80)]
    lengths = [each.estimate.n for each in found]
    wanted = [played(n, rng) for n in lengths for _ in range(2)]
    values = [each.value for each in found]
    error = np.hypot(np.std(values) / np.sqrt(80), np.std(wanted) / np.sqrt(160))
    assert abs(np.mean(values) - np.mean(wanted)) < 4 * error
    kept = 50 if chance[0] < 0.5 else 30
    assert np.mean(lengths) == pytest.approx(kept, rel=0.1)


def test_the_policy_of_the_log_keeps_its_rows():
    class Same(Greedy):
        def choose(self, context):
            return context

    action, reward, _ = logged(50, [1 / 3] * 3, np.random.default_rng(1))
    found = replay(Same(), action, reward, np.full(50, 1 / 3), context=action)
    assert (found.value, found.estimate.n) == (reward.mean(), 50)


def test_no_agreement_is_an_error():
    with pytest.raises(ValueError, match="agrees with none of 3 rows"):
        replay(Greedy(), np.array([2, 2, 2]), [0.0] * 3, [0.5] * 3)
    with pytest.raises(ValueError, match="differ in length: 3, 2, 3"):
        replay(Greedy(), np.array([2, 2, 2]), [0.0] * 2, [0.5] * 3)
