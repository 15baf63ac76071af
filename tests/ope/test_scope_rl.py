"""Our estimators of sessions against SCOPE-RL's 0.2.1; `scope_rl_values.py` wrote its values."""

import json

import numpy as np
import pytest

from recsim_env.ope import LoggedSessions, Uncertainty
from recsim_env.ope.sessions import SESSION_ESTIMATORS
from tests.ope.scope_rl_values import GAMMA, N_SESSIONS, N_STEPS, VALUES, arrays

THEIRS = json.loads(VALUES.read_text(encoding="utf-8"))


@pytest.fixture(scope="module")
def log():
    given = arrays()
    at = np.arange(N_SESSIONS * N_STEPS), given["action"]
    target, model = (
        given[name] for name in ("evaluation_policy_action_dist", "state_action_value_prediction")
    )
    return LoggedSessions(
        session=np.repeat(np.arange(N_SESSIONS), N_STEPS),
        reward=given["reward"],
        propensity=given["pscore"],
        target=target[at],
        model_reward=model[at],
        model_value=(target * model).sum(axis=1),
        gamma=GAMMA,
    )


@pytest.mark.parametrize("name", THEIRS)
def test_estimates_are_the_same(log, name):
    plain = name.removeprefix("sn-")
    more = {"self_normalised": True} if plain != name else {}
    found = SESSION_ESTIMATORS[plain](log, uncertainty=Uncertainty(method="none"), **more)
    assert found.value == pytest.approx(THEIRS[name], rel=1e-9, abs=0.0)
