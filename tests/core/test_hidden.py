"""What is hidden is shown to who may see it, and to nobody else."""

import numpy as np
import pytest

from recsim_env.core.fields import count, shown, within
from recsim_env.core.hidden import CANDIDATE_STATE, STATE, hidden_of_items, hidden_of_person
from recsim_env.envs import RecommendationVectorEnv
from recsim_env.scenarios.long_term_satisfaction import LongTermSatisfaction

LAYOUT = {
    "kind": within(int, 0, 3),
    "mood": within(float, -1, 1),
    "clock": count(int),
    "counts": within(np.int16, 0, 50, 4),
    "seen": shown(float, 0, 1),
}


def test_what_is_hidden_and_nothing_else_has_columns():
    found = hidden_of_person(LAYOUT)
    assert {entry: list(fields) for entry, fields in found.items()} == {
        STATE: ["kind", "mood", "clock"],
        "state_counts": ["counts"],
    }
    assert found[STATE]["kind"].n_columns == 4, "a kind is one-hot"
    assert found["state_counts"]["counts"].column_ends == (0, 1)
    assert found[STATE]["clock"].column_ends[1] < 50, "what may be large is shown by its logarithm"
    assert list(hidden_of_items(LAYOUT)) == ["kind", "mood", "clock", "counts"]


@pytest.mark.parametrize("compiled", [True, False])
def test_the_state_is_shown_beside_what_is_always_shown(compiled):
    plain = RecommendationVectorEnv(LongTermSatisfaction(), num_envs=4, compiled=compiled)
    env = plain.twin(observe_state=True)
    before, seen = plain.reset(seed=3)[0], env.reset(seed=3)[0]
    for step in range(5):
        assert env.observation_space.contains(seen)
        assert all(np.array_equal(before[name], seen[name]) for name in before)
        users = env.users
        truly = [users["exposure"], users["steps_left"]]
        exposure, steps_left = (np.sign(each) * np.log1p(np.abs(each)) for each in truly)
        state = np.stack([exposure, users["satisfaction"], steps_left], axis=1)
        assert np.allclose(seen[STATE], state, atol=1e-6)
        assert np.allclose(seen[CANDIDATE_STATE][:, :, -1], env.expected_reward(), rtol=1e-6)
        slates = np.full(4, step)
        before, seen = plain.step(slates)[0], env.step(slates)[0]


def test_a_scenario_that_hides_its_state_is_described_as_before_it_could_show_it():
    assert "observe_state" not in LongTermSatisfaction().settings
    assert LongTermSatisfaction(observe_state=True).settings["observe_state"] is True
