"""How often intervals contain the true value, over repeated logs, and when the warning comes.

Of 300 intervals that contain the truth 95 % of the time, fewer than 270 do with probability 1.3e-4.
"""

import functools

import numpy as np
import pytest

from recsim_env.ope import (
    LoggedActions,
    LoggedSessions,
    LoggedSlates,
    SlateProbabilities,
    Uncertainty,
)
from recsim_env.ope.bandits import dm, dr, dros, ips, sndr, snips, sub_gaussian_ips, switch_dr
from recsim_env.ope.embeddings import mips, regressed_weights, topic_weights
from recsim_env.ope.marginalized import marginalized_is
from recsim_env.ope.models import cross_fitted
from recsim_env.ope.plackett_luce import place_probabilities, prefix_probabilities
from recsim_env.ope.pseudo_inverse import uniform_weights
from recsim_env.ope.sessions import fqe, per_decision_is, sequential_dr, trajectory_is
from recsim_env.ope.slates import cascade_dr, iips, pseudo_inverse, rips, sips

pytestmark = pytest.mark.learns

N_LOGS = 300
QUICK = Uncertainty(n_resamples=200)


def softmax(logits):
    odds = np.exp(logits)
    return odds / odds.sum(axis=-1, keepdims=True)


def draw(chance, rng):
    """One of each row."""
    return (rng.uniform(size=(len(chance), 1)) > chance.cumsum(axis=1)[:, :-1]).sum(axis=1)


class Choices:
    """150 users with a context and a taste of their own, four choices each, of six actions."""

    n_users, n_rows, n_actions = 150, 4, 6

    def __init__(self, unsupported=()):
        rng = np.random.default_rng(0)
        self.logging = softmax(rng.normal(size=(3, self.n_actions)))
        self.logging[:, list(unsupported)] = 0.0
        self.logging /= self.logging.sum(axis=1, keepdims=True)
        self.target = softmax(rng.normal(size=(3, self.n_actions)))
        self.reward = rng.uniform(size=(3, self.n_actions))
        self.truth = float((self.target * self.reward).sum(axis=1).mean())

    def log(self, seed):
        rng = np.random.default_rng(seed)
        user = np.repeat(np.arange(self.n_users), self.n_rows)
        context = rng.integers(3, size=self.n_users)[user]
        action = draw(self.logging[context], rng)
        at, taste = (context, action), rng.normal(0.0, 0.3, self.n_users)[user]
        cells = np.eye(3 * self.n_actions)
        means = np.zeros((len(user), 3 * self.n_actions))
        for each in range(self.n_actions):
            means += self.target[context, each, None] * cells[context * self.n_actions + each]
        reward = self.reward[at] + taste + rng.normal(0.0, 0.3, len(user))
        shown = cells[context * self.n_actions + action]
        expected, value = cross_fitted(shown, reward, means, user=user)
        return LoggedActions(
            reward=reward,
            propensity=self.logging[at],
            target=self.target[at],
            model_reward=expected,
            model_value=value,
            user=user,
            context=context,
        )


def covered(found, truth):
    return sum(each.low <= truth <= each.high for each in found)


def test_intervals_of_choices_hold_what_they_promise():
    world = Choices()
    estimators = {
        "ips": ips,
        "snips": snips,
        "dr": dr,
        "sndr": sndr,
        "switch-dr": functools.partial(switch_dr, threshold=20.0),
        "dros": functools.partial(dros, shrinkage=2_000.0),
        "clipped-ips": functools.partial(ips, clip=20.0),
        "sub-gaussian-ips": functools.partial(sub_gaussian_ips, shrinkage=1e-3),
        "bernstein": functools.partial(ips, uncertainty=Uncertainty(method="bernstein")),
    }
    found = {name: [] for name in estimators}
    for seed in range(N_LOGS):
        log = world.log(seed)
        for name, estimator in estimators.items():
            more = {} if name == "bernstein" else {"uncertainty": QUICK}
            found[name].append(estimator(log, **more))
    counts = {name: covered(each, world.truth) for name, each in found.items()}
    assert min(counts.values()) >= 0.9 * N_LOGS, counts
    assert counts["bernstein"] == N_LOGS
    assert max(counts[name] for name in counts if name != "bernstein") < N_LOGS
    assert sum(bool(each.warnings) for each in found["ips"]) < 0.1 * N_LOGS


def test_intervals_of_what_goes_by_topics_hold_what_they_promise():
    """Rewards go through two topics of six actions; of weights of their own, and regressed."""
    rng = np.random.default_rng(4)
    logging, target = softmax(0.7 * rng.normal(size=(2, 6)))
    topics = np.array([0, 0, 0, 1, 1, 1])
    truth = float(target @ (0.2 + 0.4 * topics))
    found = {"mips": [], "sn-mips": [], "regressed": []}
    for seed in range(N_LOGS):
        rng = np.random.default_rng(seed)
        action = draw(np.tile(logging, (300, 1)), rng)
        reward = rng.uniform(size=300) < 0.2 + 0.4 * topics[action]
        log = LoggedActions(reward=reward, propensity=logging[action], target=target[action])
        sides = (np.tile(each, (300, 1)) for each in (logging, target))
        weights = topic_weights(*sides, topics, topics[action])
        shown = topics[action][:, None]
        found["mips"].append(mips(log, weights, uncertainty=QUICK))
        found["sn-mips"].append(mips(log, weights, self_normalised=True, uncertainty=QUICK))
        regressed = regressed_weights(log, shown)
        found["regressed"].append(mips(log, regressed, is_regressed=True, uncertainty=QUICK))
    counts = {name: covered(each, truth) for name, each in found.items()}
    assert min(counts["mips"], counts["sn-mips"], counts["regressed"]) >= 0.9 * N_LOGS, counts
    assert sum(bool(each.warnings) for each in found["mips"]) < 0.1 * N_LOGS


def test_intervals_of_a_model_that_is_right_hold_what_they_promise():
    """Of choices, and of sessions where they begin: what varies is who comes."""
    world, found = Choices(), {dm: [], fqe: []}
    value = (world.target * world.reward).sum(axis=1)
    for seed in range(N_LOGS):
        context = np.random.default_rng(seed).integers(3, size=100)
        alike = dict.fromkeys(("propensity", "target"), np.full(100, 0.5))
        known = dict.fromkeys(("reward", "model_reward", "model_value"), value[context])
        found[dm].append(dm(LoggedActions(**alike, **known), uncertainty=QUICK))
        sessions = LoggedSessions(session=np.arange(100), **alike, **known)
        found[fqe].append(fqe(sessions, uncertainty=QUICK))
    for each in found.values():
        assert 0.9 * N_LOGS <= covered(each, world.truth) < N_LOGS


def test_without_support_the_interval_misses_and_the_warning_comes():
    world = Choices(unsupported=[int(np.argmax(Choices().target[0]))])
    found = [ips(world.log(seed), uncertainty=QUICK) for seed in range(60)]
    assert covered(found, world.truth) < 30
    assert sum("never does" in " ".join(each.warnings) for each in found) >= 54


def test_intervals_of_slates_hold_what_they_promise():
    rng = np.random.default_rng(1)
    logging, target, worth = 0.5 * rng.normal(size=(3, 5))
    places = np.array([1.0, 0.6, 0.3])
    earned = places[:, None] * (1 + np.tanh(worth)) / 2
    truth = float((place_probabilities([target], 3)[0] * earned).sum())

    def log(seed):
        rng = np.random.default_rng(seed)
        noise = rng.gumbel(size=(400, 5))
        slates = (logging + noise).argsort(axis=1)[:, ::-1][:, :3]
        at = np.arange(3), slates
        sides = [
            SlateProbabilities(
                slate=prefix_probabilities([logits], slates)[:, -1],
                prefix=prefix_probabilities([logits], slates),
                place=place_probabilities([logits], 3)[0][at],
            )
            for logits in (logging, target)
        ]
        reward = rng.uniform(size=slates.shape) < earned[at]
        rest = np.tile(places.cumsum()[::-1] / 2, (400, 1))  # a rough model, wrong for most items
        return LoggedSlates(
            reward=reward,
            propensity=sides[0],
            target=sides[1],
            model_reward=rest,
            model_value=rest,
        )

    logs = [log(seed) for seed in range(N_LOGS)]
    normalised = (functools.partial(each, self_normalised=True) for each in (sips, iips, rips))
    for estimator in (sips, iips, rips, cascade_dr, *normalised):
        found = [estimator(each, uncertainty=QUICK) for each in logs]
        assert covered(found, truth) >= 0.9 * N_LOGS, estimator


def test_intervals_of_sums_over_places_hold_what_they_promise():
    """The log is uniform, and which place earned what is not seen."""
    rng = np.random.default_rng(3)
    target = 0.5 * rng.normal(size=5)
    earned = rng.uniform(size=(3, 5))
    place = place_probabilities([target], 3)[0]
    truth = float((place * earned).sum())

    def log(seed):
        rng = np.random.default_rng(seed)
        slates = rng.uniform(size=(400, 5)).argsort(axis=1)[:, :3]
        reward = np.zeros((400, 3))
        reward[:, 0] = earned[np.arange(3), slates].sum(axis=1) + rng.normal(0.0, 0.3, 400)
        weights = uniform_weights(place[np.arange(3), slates], place.sum(axis=0)[slates], 5)
        none = SlateProbabilities()
        return LoggedSlates(
            reward=reward, propensity=none, target=none, pseudo_inverse_weight=weights
        )

    for normalised in (False, True):
        found = [
            pseudo_inverse(log(seed), self_normalised=normalised, uncertainty=QUICK)
            for seed in range(N_LOGS)
        ]
        assert covered(found, truth) >= 0.9 * N_LOGS


def test_intervals_of_sessions_hold_what_they_promise():
    """Four steps through three states, each following from the last and the action."""
    rng = np.random.default_rng(2)
    logging, target = softmax(0.5 * rng.normal(size=(2, 3, 2)))
    follows = softmax(rng.normal(size=(3, 2, 3)))
    pays = rng.uniform(size=(3, 2))
    state, truth = np.full(3, 1 / 3), 0.0
    for _ in range(4):
        visits = state[:, None] * target
        truth += float((visits * pays).sum())
        state = np.einsum("sa,sat->t", visits, follows)

    def log(seed):
        rng = np.random.default_rng(seed)
        state, rows = rng.integers(3, size=300), []
        for _ in range(4):
            action = draw(logging[state], rng)
            rows.append((state, action))
            state = draw(follows[state, action], rng)
        states, actions = np.array(rows).transpose(1, 2, 0).reshape(2, -1)
        at = states, actions
        found = LoggedSessions(
            session=np.repeat(np.arange(300), 4),
            reward=pays[at] + rng.normal(0.0, 0.5, 1_200),
            propensity=logging[at],
            target=target[at],
            model_reward=rough,
            model_value=rough,
        )
        return found, states

    rough = np.tile(np.arange(4, 0, -1) / 2, 300)  # half a reward a step, whatever is shown
    logs = [log(seed) for seed in range(N_LOGS)]
    for estimator in (
        trajectory_is,
        per_decision_is,
        sequential_dr,
        functools.partial(sequential_dr, self_normalised=True),
        functools.partial(per_decision_is, self_normalised=True),
        functools.partial(trajectory_is, self_normalised=True),
    ):
        found = [estimator(each, uncertainty=QUICK) for each, _ in logs]
        assert covered(found, truth) >= 0.9 * N_LOGS, estimator
    for normalised in (False, True):
        found = [
            marginalized_is(each, states, self_normalised=normalised, uncertainty=QUICK)
            for each, states in logs
        ]
        assert covered(found, truth) >= 0.9 * N_LOGS
