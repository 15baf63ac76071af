"""Propensities of the mixture of policies that wrote a log."""

import dataclasses

import numpy as np
import pytest

from recsim_env.agents.core.step_log import LoggedSteps
from recsim_env.benchmark.off_policy import PolicyLog, balanced, chances_of, judge

FIRST, SECOND = np.array([0.9, 0.05, 0.05]), np.array([0.1, 0.1, 0.8])


def log_of(actions, policies, names=("first", "second")):
    """Sessions, (n, n_steps) actions, each by a policy, which are paid the number of the action."""
    actions = np.asarray(actions)
    n, steps = actions.shape
    policy = np.repeat(policies, steps)
    step = np.tile(np.arange(steps), n)
    over = step == steps - 1
    columns = {
        "slate": actions.reshape(-1, 1).astype(np.int32),
        "clicked": np.ones((n * steps, 1), bool),
        "reward": actions.ravel().astype(float),
        "is_over": over,
        "is_terminal": over.astype(np.float32),
        "session_number": np.repeat(np.arange(n), steps).astype(np.int32),
        "step": step.astype(np.int32),
        "propensity": np.where(policy, SECOND[actions.ravel()], FIRST[actions.ravel()]),
        "policy": policy,
    }
    about = {"n_candidates": 3, "policies": list(names)}
    return PolicyLog.of(LoggedSteps(columns, about))


def both(log):
    return [chances_of(np.tile(each, (len(log), 1)), log) for each in (FIRST, SECOND)]


def test_a_slate_is_as_likely_as_by_any_of_the_policies():
    log = log_of([[0], [0], [0], [2]], [0, 0, 0, 1])
    found = balanced(log, both(log))
    mixture = 0.75 * FIRST + 0.25 * SECOND
    assert found["propensity"] == pytest.approx(mixture[[0, 0, 0, 2]])
    assert found["candidate_propensity"][:, 0] == pytest.approx(np.tile(mixture, (4, 1)))
    assert found["place_propensity"] == pytest.approx(found["propensity"][:, None])


def test_what_was_shown_before_tells_whose_session_it_is():
    actions, share = [[0, 0, 2], [2, 2, 1], [0, 1, 0]], np.array([2 / 3, 1 / 3])
    log = log_of(actions, [0, 1, 0])
    found = balanced(log, both(log))["propensity"].reshape(3, 3).prod(axis=1)
    for session, chance in zip(actions, found, strict=True):
        products = [each[session].prod() for each in (FIRST, SECOND)]
        assert chance == pytest.approx(share @ products)


def test_weights_vary_less_and_estimates_are_as_right():
    rng = np.random.default_rng(0)
    policies = np.repeat([0, 1], 200)
    target = np.array([0.1, 0.45, 0.45])
    errors = {"naive": [], "balanced": []}
    for _ in range(40):
        actions = [rng.choice(3, p=SECOND if each else FIRST) for each in policies]
        log = log_of(np.array(actions)[:, None], policies)
        wanted = chances_of(np.tile(target, (400, 1)), log)
        for name, each in (("naive", log), ("balanced", balanced(log, both(log)))):
            (found,) = judge("target", each, wanted, estimators=["ips"])
            errors[name].append(found.estimate.mean - 0.45 * 3)
    assert np.std(errors["balanced"]) < 0.6 * np.std(errors["naive"])
    assert abs(np.mean(errors["balanced"])) < 4 * np.std(errors["balanced"]) / np.sqrt(40)


def test_other_policies_than_those_that_wrote_it_are_refused():
    log = log_of([[0], [2]], [0, 1])
    with pytest.raises(
        ValueError, match=r"first showed the slate of row 0 with propensity 0\.9, .* 0\.1"
    ):
        balanced(log, both(log)[::-1])
    with pytest.raises(ValueError, match="is of 2 policies, first, second, and 1 are named"):
        balanced(log, both(log)[:1])
    turns = log_of([[0, 2]], [0])
    columns = dict(turns.columns) | {"policy": np.array([0, 1])}
    turns = PolicyLog(columns, turns.about)
    with pytest.raises(ValueError, match="take turns within a session"):
        balanced(turns, both(turns))
    del log.about["policies"]
    single = PolicyLog({k: v for k, v in log.columns.items() if k != "policy"}, log.about)
    with pytest.raises(ValueError, match="the logging policy showed the slate of row 1 .* policy$"):
        balanced(single, both(single)[:1])


def slates(propensities):
    """Slates of three of 9 candidates, one a session, of two policies that are far apart."""
    policy = np.repeat([0, 1], 3)
    columns = {
        "slate": np.tile(np.arange(3, dtype=np.int32), (6, 1)),
        "clicked": np.zeros((6, 3), bool),
        "reward": np.zeros(6),
        "is_over": np.ones(6, bool),
        "is_terminal": np.ones(6, np.float32),
        "session_number": np.arange(6, dtype=np.int32),
        "step": np.zeros(6, np.int32),
        "propensity": np.array(propensities)[policy],
        "policy": policy,
    }
    about = {"n_candidates": 9, "policies": ["first", "second"]}
    return PolicyLog.of(LoggedSteps(columns, about))


def test_slates_whose_propensities_are_tiny_tell_who_wrote_them():
    places = [np.array([0.01] * 3 + [0.97 / 6] * 6), np.array([0.02] * 3 + [0.94 / 6] * 6)]
    log = slates([0.01**3, 0.02**3])
    chances = [chances_of(np.tile(each, (6, 1)), log) for each in places]
    assert balanced(log, chances)["propensity"] == pytest.approx((0.01**3 + 0.02**3) / 2)
    with pytest.raises(ValueError, match="second showed the slate of row 3 with propensity 8e-06"):
        balanced(log, [chances[0], chances[0]])
    rough = [dataclasses.replace(each, error=1e-5) for each in chances]
    with pytest.raises(ValueError, match=r"chances of first are drawn, .*1e-05.*--draws"):
        balanced(log, rough)
    fine = [dataclasses.replace(each, error=1e-9) for each in chances]
    assert balanced(log, fine)["propensity"] == pytest.approx((0.01**3 + 0.02**3) / 2)
