"""Estimators from sessions, on logs that hold every session as often as it is likely."""

import dataclasses
from itertools import product

import numpy as np
import pytest

from recsim_env.ope import LoggedSessions
from recsim_env.ope.fitted_q import fitted_q
from recsim_env.ope.marginalized import learned_states, marginalized_is
from recsim_env.ope.sessions import (
    SESSION_ESTIMATORS,
    fqe,
    per_decision_is,
    sequential_dr,
    trajectory_is,
)

GAMMA, STEPS = 0.9, 3
LOGGING = np.array([[0.5, 0.5], [0.25, 0.75]])  # state, action
TARGET = np.array([[0.8, 0.2], [0.6, 0.4]])
REWARD = np.array([[1.0, -0.5], [0.25, 2.0]])


class World:
    """Two states and actions; the action is the next state, and action 1 in state 1 ends it all."""

    def __init__(self, unit=2 * 4**STEPS):
        rows = []
        for start in (0, 1):
            for actions in product((0, 1), repeat=STEPS):
                states = [start, *actions[:-1]]
                steps = list(zip(states, actions, strict=True))
                if (1, 1) in steps:
                    end = steps.index((1, 1)) + 1
                    if any(actions[end:]):
                        continue  # the same session, but for what never happens
                    steps = steps[:end]
                chance = 0.5 * np.prod([LOGGING[at] for at in steps])
                rows += [steps] * round(chance * unit)
        assert len(rows) == unit
        self.states, self.actions = np.concatenate(rows).T
        self.lengths = np.array([len(each) for each in rows])

    def log(self, target=TARGET, **more):
        at = self.states, self.actions
        return LoggedSessions(
            session=np.repeat(np.arange(len(self.lengths)), self.lengths),
            reward=REWARD[at],
            propensity=LOGGING[at],
            target=target[at],
            gamma=GAMMA,
            **more,
        )

    def q_and_v(self, target=TARGET):
        """What is earned from each step, state and action on, and by the target."""
        q, v = np.zeros((STEPS, 2, 2)), np.zeros((STEPS + 1, 2))
        for step in reversed(range(STEPS)):
            q[step] = REWARD + GAMMA * v[step + 1] * [[1, 1], [1, 0]]
            v[step] = (target * q[step]).sum(axis=1)
        return q, v


WORLD = World()
Q, V = WORLD.q_and_v()
TRUTH = V[0].mean()


def modelled(log, q, v):
    return dataclasses.replace(
        log,
        model_reward=q[log.step, WORLD.states, WORLD.actions],
        model_value=v[log.step, WORLD.states],
    )


def test_all_weighted_estimators_are_exact_where_every_session_is_as_often_as_likely():
    log = WORLD.log()
    assert trajectory_is(log).value == pytest.approx(TRUTH, abs=1e-12)
    assert per_decision_is(log).value == pytest.approx(TRUTH, abs=1e-12)
    assert per_decision_is(log, self_normalised=True).value == pytest.approx(TRUTH, abs=1e-12)
    assert trajectory_is(log, self_normalised=True).value == pytest.approx(TRUTH, abs=1e-12)
    wrong = modelled(log, Q + np.arange(2), V - 1.0)
    for normalised in (False, True):
        found = marginalized_is(log, WORLD.states, self_normalised=normalised)
        assert found.value == pytest.approx(TRUTH, abs=1e-12)
    none = modelled(log, 0 * Q, 0 * V)
    assert sequential_dr(none).value == pytest.approx(per_decision_is(log).value)
    assert fqe(wrong).value == pytest.approx(TRUTH - 1.0)


def test_doubly_robust_is_exact_with_any_consistent_model_and_certain_with_the_right_one():
    log = WORLD.log()
    wrong = np.random.default_rng(0).normal(size=Q.shape)
    v = np.zeros_like(V)
    v[:STEPS] = (TARGET * wrong).sum(axis=2)
    for normalised in (False, True):
        found = sequential_dr(modelled(log, wrong, v), self_normalised=normalised)
        assert found.value == pytest.approx(TRUTH, abs=1e-12)
    # With the right model, one session of each start is enough.
    rows = np.isin(log.session, [log.session[0], log.session[-1]])
    two = LoggedSessions(
        **{
            name: getattr(modelled(log, Q, V), name)[rows]
            for name in ("session", "reward", "propensity", "target", "model_reward", "model_value")
        },
        gamma=GAMMA,
    )
    assert sequential_dr(two).value == pytest.approx(TRUTH, abs=1e-12)


@pytest.mark.parametrize("name", SESSION_ESTIMATORS)
def test_the_policy_of_the_log_earns_the_mean(name):
    q, v = WORLD.q_and_v(LOGGING)
    log = modelled(WORLD.log(LOGGING), q, v)
    earned = np.add.reduceat(log.reward * GAMMA**log.step, log.starts).mean()
    assert SESSION_ESTIMATORS[name](log).value == pytest.approx(earned, abs=1e-12)
    assert marginalized_is(log, WORLD.states).value == pytest.approx(earned, abs=1e-12)


def features(states, actions):
    """Zeros and ones of state and action, (n, 4), and their means over the target's choices."""
    shown = np.eye(4)[2 * states + actions]
    means = np.zeros((len(states), 4))
    for action in (0, 1):
        means[np.arange(len(states)), 2 * states + action] = TARGET[states, action]
    return shown, means


def test_fitted_q_finds_what_is_left_to_earn():
    log = WORLD.log()
    found, value = fitted_q(log, *features(WORLD.states, WORLD.actions), ridge=1e-9)
    np.testing.assert_allclose(found, modelled(log, Q, V).model_reward, atol=1e-6)
    np.testing.assert_allclose(value, modelled(log, Q, V).model_value, atol=1e-6)


def test_pooled_fitted_q_finds_the_fixed_point():
    """In sessions that go on until they end, steps need no coefficients of their own."""
    rng, states, actions, lengths = np.random.default_rng(1), [], [], []
    for start in rng.integers(2, size=4_000):
        state, n = int(start), 0
        while True:
            action = int(rng.uniform() < LOGGING[state, 1])
            states.append(state)
            actions.append(action)
            n += 1
            if (state, action) == (1, 1):
                break
            state = action
        lengths.append(n)
    states, actions = np.array(states), np.array(actions)
    at = states, actions
    log = LoggedSessions(
        session=np.repeat(np.arange(len(lengths)), lengths),
        reward=REWARD[at],
        propensity=LOGGING[at],
        target=TARGET[at],
        gamma=GAMMA,
    )
    v = np.zeros(2)
    for _ in range(500):
        v = (TARGET * (REWARD + GAMMA * v * [[1, 1], [1, 0]])).sum(axis=1)
    _, value = fitted_q(log, *features(states, actions), by_step=False, ridge=1e-9)
    np.testing.assert_allclose(value, v[states], atol=1e-6)


@pytest.mark.parametrize("by_step", [True, False])
def test_fitted_q_stays_within_what_the_rest_of_sessions_earned(by_step):
    """A target far from what was ever shown would have a linear model run away."""
    rng, n_steps = np.random.default_rng(3), 8
    shown, certain = rng.normal(size=(50 * n_steps, 3)), np.ones(50 * n_steps)
    log = LoggedSessions(
        session=np.repeat(np.arange(50), n_steps),
        reward=shown.sum(axis=1),
        propensity=certain,
        target=certain,
    )
    rest = np.cumsum(log.reward.reshape(50, n_steps)[:, ::-1], axis=1)
    found, value = fitted_q(log, shown, 100.0 * shown, by_step=by_step)
    assert rest.min() - 1e-9 <= found.min() < found.max() <= rest.max() + 1e-9
    assert (value.min(), value.max()) == pytest.approx((rest.min(), rest.max()))
    (warning,) = fqe(dataclasses.replace(log, model_reward=found, model_value=value)).warnings
    at_limit = np.isin(value[log.starts], (rest.min(), rest.max())).mean()
    assert f"In {at_limit:.0%} of sessions the model's value is the least or the most" in warning
    within = dataclasses.replace(log, model_reward=found, model_value=0.9 * value)
    assert not fqe(within).warnings


def test_states_are_learned_from_what_is_observed():
    rng = np.random.default_rng(2)
    seen = np.eye(2)[WORLD.states] + 0.05 * rng.normal(size=(len(WORLD.states), 2))
    learned = learned_states(seen, 2)
    found = marginalized_is(WORLD.log(), learned)
    assert found.value == pytest.approx(TRUTH, abs=1e-12)


def test_visits_weigh_less_unevenly_than_histories():
    log = WORLD.log()
    by_history = trajectory_is(log).weights.effective_sample_size / len(log.starts)
    by_state = marginalized_is(log, WORLD.states).weights.effective_sample_size / len(log)
    assert by_state > by_history


def test_sessions_must_stand_together():
    with pytest.raises(ValueError, match="sort rows by session and step"):
        LoggedSessions(session=[0, 1, 0], reward=[0, 0, 0], propensity=[1] * 3, target=[1] * 3)
    with pytest.raises(ValueError, match=r"gamma=1.1 is not in \[0, 1\]"):
        LoggedSessions(session=[0], reward=[0], propensity=[1], target=[1], gamma=1.1)
    with pytest.raises(ValueError, match="state has shape"):
        marginalized_is(WORLD.log(), np.zeros(3, int))
