"""Environments: Gymnasium's contract, common random numbers, privileged views, clear errors."""

import copy
import pickle

import gymnasium
import numpy as np
import pytest
from gymnasium.utils.env_checker import data_equivalence
from gymnasium.vector import AutoresetMode

import recsim_env
from recsim_env.core.choice import MODELS
from recsim_env.engine.threads import MIN_SLOTS_PER_THREAD, splitting_always
from recsim_env.envs import RecommendationEnv, RecommendationVectorEnv, resolve_scenario
from recsim_env.envs.registry import ENVIRONMENTS
from recsim_env.scenarios.interest_evolution import InterestEvolution
from recsim_env.scenarios.interest_exploration import InterestExploration
from recsim_env.scenarios.long_term_satisfaction import LongTermSatisfaction
from recsim_env.scenarios.rated_catalogue import RatedCatalogue
from recsim_env.testing import check_batch, check_scenario, random_slates

SARDINE = "Sardine-SlateTopK-Bored-v0"  # of its kind the one that is not among the slow tests
ENV_IDS = [
    pytest.param(
        f"recsim_env/{name}",
        marks=pytest.mark.slow if "Sardine" in name and name != SARDINE else (),
        id=f"recsim_env/{name}",
    )
    for name in sorted(ENVIRONMENTS)
]
SMALL = {"n_topics": 4, "n_candidates": 5, "slate_size": 2, "time_budget": 12.0}


def scenario_of(env_id, **settings):
    return resolve_scenario(**(gymnasium.spec(env_id).kwargs | settings))


def smaller(env_id):
    """Returns settings of a large scenario, the same for all tests: they compile once."""
    if "Rated" in env_id:
        return {"n_items": 60, "max_slates": 20}
    if "Sardine-Single" in env_id or "Sardine-SlateTopK" in env_id:
        return {"n_items": 60, "n_candidates": 60}
    return {}


@pytest.mark.parametrize("env_id", ENV_IDS)
def test_every_registered_scenario_keeps_the_contract(env_id):
    check_scenario(scenario_of(env_id, **smaller(env_id)))


def has_single_precision(dtype):
    """Returns whether a float32 lies anywhere in a record."""
    if dtype.names:
        return any(has_single_precision(dtype[name]) for name in dtype.names)
    return dtype.base == np.float32


@pytest.mark.parametrize("env_id", ENV_IDS)
def test_plain_python_and_compiled_agree_to_the_last_bit_without_float32(env_id):
    scenario = scenario_of(env_id, **smaller(env_id))
    dtypes = scenario.schema.dtypes
    records = [dtypes[name] for name in ("user", "item", "response", "info")]
    tolerance = 1e-5 if any(map(has_single_precision, records)) else 0.0
    envs = [RecommendationVectorEnv(scenario, num_envs=3, compiled=c) for c in (False, True)]
    steps = [env.reset(seed=3) for env in envs]
    rng = np.random.default_rng(0)
    for _ in range(12):
        for one, other in zip(*steps, strict=True):
            names = one if isinstance(one, dict) else [...]
            for left, right in ((one[name], other[name]) for name in names):
                np.testing.assert_allclose(left, right, rtol=tolerance, atol=tolerance)
        slates = random_slates(scenario, 3, rng)
        actions = slates[:, 0] if scenario.slate_size == 1 else slates
        steps = [env.step(actions) for env in envs]


@pytest.mark.parametrize("compiled", [True, False])
@pytest.mark.parametrize("duplicate", [copy.deepcopy, lambda env: pickle.loads(pickle.dumps(env))])
def test_a_copy_goes_on_with_the_same_people(duplicate, compiled):
    # As many people as make two threads work, whose pool no copy can take along.
    n = 2 * MIN_SLOTS_PER_THREAD if compiled else 3
    batch = RecommendationVectorEnv(
        LongTermSatisfaction(time_budget=12), num_envs=n, threads=2, compiled=compiled
    )
    single = gymnasium.make("recsim_env/LongTermSatisfaction-v0", compiled=compiled, time_budget=12)
    for env in (batch, single):
        env.reset(seed=1)
        env.action_space.seed(0)
        with splitting_always():
            env.step(env.action_space.sample())
        twin = duplicate(env)
        assert twin.action_space == env.action_space
        for _ in range(15):
            actions = env.action_space.sample()
            assert data_equivalence(env.step(actions), twin.step(actions))
            if env is single and env.unwrapped._simulator.slots["is_over"][0]:
                assert data_equivalence(env.reset(), twin.reset())
        env.close()
        twin.close()


@pytest.mark.parametrize("mode", list(AutoresetMode))
def test_make_vec_gives_the_batch_and_it_equals_single_environments(mode):
    batch = gymnasium.make_vec(
        "recsim_env/InterestEvolution-v0", 4, "vector_entry_point", autoreset_mode=mode, **SMALL
    )
    single = gymnasium.make_vec(
        "recsim_env/InterestEvolution-v0",
        4,
        "sync",
        vector_kwargs={"autoreset_mode": mode},
        **SMALL,
    )
    assert isinstance(batch, RecommendationVectorEnv)
    assert batch.metadata["autoreset_mode"] == batch.autoreset_mode == mode
    assert data_equivalence(batch.reset(seed=3), single.reset(seed=3))
    rng = np.random.default_rng(0)
    n_ended = 0
    for _ in range(60):
        slates = random_slates(batch.scenario, 4, rng)
        given, expected = batch.step(slates), single.step(slates)
        assert data_equivalence(given, expected)
        over = given[2] | given[3]
        n_ended += over.sum()
        if mode == AutoresetMode.DISABLED and over.any():
            options = {"reset_mask": over}
            assert data_equivalence(
                batch.reset(options=options), single.reset(options={"reset_mask": over.copy()})
            )
    assert n_ended > 4


@pytest.mark.parametrize("mode", list(AutoresetMode))
def test_population_and_catalogue_in_every_autoreset_mode(mode):
    scenario = InterestEvolution(n_users=7, n_items=20, n_candidates=6)
    check_batch(scenario, autoreset_mode=mode, num_envs=5, n_steps=30)


def play(env, policy, n_steps):
    """Returns the fields that the people and candidates decide, step by step."""
    observation, _ = env.reset(seed=21)
    met = [observation]
    for _ in range(n_steps):
        observation, _, terminated, truncated, _ = env.step(policy(observation))
        met.append(observation)
        assert not (terminated | truncated).any()
    return met


def test_two_agents_with_one_seed_meet_the_same_people_and_candidates():
    env = RecommendationVectorEnv(RatedCatalogue, num_envs=6, session_mean=400.0, session_sd=0.0)
    first = play(env, lambda o: np.tile([0, 1, 2], (6, 1)), 1)
    second = play(env, lambda o: np.tile([9, 8, 7], (6, 1)), 1)
    assert np.array_equal(first[0]["user_id"], second[0]["user_id"])
    assert np.array_equal(first[0]["item_id"], second[0]["item_id"])
    # What was consumed is not offered again, so single candidates may differ; nearly none do.
    assert (first[1]["item_id"] == second[1]["item_id"]).mean() > 0.95
    fresh = RecommendationVectorEnv(InterestEvolution, num_envs=6)
    first = play(fresh, lambda o: np.tile([0, 1, 2], (6, 1)), 15)
    second = play(fresh, lambda o: np.tile([9, 8, 7], (6, 1)), 15)
    for one, other in zip(first, second, strict=True):
        assert np.array_equal(one["candidates"], other["candidates"])
    assert not data_equivalence(first[-1]["user"], second[-1]["user"])


def test_the_same_choice_meets_the_same_luck():
    """Two batches that differ in one slot only: the others are not disturbed."""
    one = RecommendationVectorEnv(InterestEvolution, num_envs=3)
    other = RecommendationVectorEnv(InterestEvolution, num_envs=3)
    one.reset(seed=4), other.reset(seed=4)
    for step in range(20):
        slates = np.tile([0, 1, 2], (3, 1))
        changed = slates.copy()
        changed[1] = [3, 4, step % 3]
        a, b = one.step(slates), other.step(changed)
        assert np.array_equal(a[0]["user"][[0, 2]], b[0]["user"][[0, 2]])
        assert np.array_equal(a[1][[0, 2]], b[1][[0, 2]])


def test_reset_without_seed_goes_on_to_the_next_episode():
    env = RecommendationEnv(InterestEvolution)
    first = env.reset(seed=8)[0]["user"]
    second = env.reset()[0]["user"]
    assert not np.array_equal(first, second)
    assert np.array_equal(env.reset(seed=8)[0]["user"], first)
    assert np.array_equal(env.reset()[0]["user"], second)


def test_world_seed_and_not_the_reset_seed_decides_what_people_are_like():
    worlds = [RecommendationVectorEnv(RatedCatalogue, num_envs=64, n_users=3) for _ in range(2)]
    features = {}
    for env, seed in zip(worlds, (1, 2), strict=True):
        observation, _ = env.reset(seed=seed)
        for user_id, user in zip(observation["user_id"], observation["user"], strict=True):
            assert np.array_equal(features.setdefault(user_id, user), user)
    assert len(features) == 3
    other = RecommendationVectorEnv(RatedCatalogue, num_envs=64, n_users=3, world_seed=1)
    observation, _ = other.reset(seed=1)
    assert not np.array_equal(features[observation["user_id"][0]], observation["user"][0])


def test_a_billion_people_take_no_memory_and_no_time():
    env = RecommendationVectorEnv(InterestEvolution, num_envs=2, n_users=10**9)
    assert env.single_observation_space["user_id"].n == 10**9
    observation, _ = env.reset(seed=0)
    assert observation["user_id"].max() > 1000
    assert env._simulator._users.nbytes < 1000


def test_returned_arrays_are_never_written_again():
    env = RecommendationVectorEnv(InterestEvolution, num_envs=3)
    observation, _ = env.reset(seed=0)
    kept = {name: value.copy() for name, value in observation.items()}
    for _ in range(5):
        env.step(np.zeros((3, 3), int))
    assert data_equivalence(observation, kept)


def test_flat_observation_is_the_dict_without_ids():
    settings = {"n_users": 4, "n_items": 30}
    flat = RecommendationVectorEnv(InterestEvolution, num_envs=3, flat=True, **settings)
    named = RecommendationVectorEnv(InterestEvolution, num_envs=3, **settings)
    floats, _ = flat.reset(seed=0)
    fields, _ = named.reset(seed=0)
    expected = [fields[name].reshape(3, -1) for name in ("user", "candidates", "response")]
    assert np.array_equal(floats, np.concatenate(expected, axis=1))
    assert flat.single_observation_space.contains(floats[0])
    single, _ = RecommendationEnv(InterestEvolution, flat=True, **settings).reset(seed=1)
    assert np.array_equal(single, floats[1])


def test_privileged_view_is_a_copy_and_agrees_with_what_is_seen():
    env = RecommendationEnv(InterestEvolution)
    observation, info = env.reset(seed=0)
    assert info == {}
    assert env.user["interest"] == pytest.approx(observation["user"])
    topics = env.items["topic"]
    assert np.array_equal(observation["candidates"].argmax(axis=1), topics)
    env.user["interest"][:] = 0
    assert env.user["interest"] == pytest.approx(observation["user"])
    order = np.argsort(env.user["interest"][topics], kind="stable")
    assert (np.diff(env.expected_reward()[order]) >= 0).all()
    assert env.long_term_value().shape == (10,)


def test_hidden_traits_change_no_observation():
    """Quality is hidden: two worlds that differ in it alone look the same before the first step."""
    low = RecommendationEnv(InterestEvolution, quality_sd=0.0)
    high = RecommendationEnv(InterestEvolution, quality_sd=0.3)
    assert data_equivalence(low.reset(seed=5), high.reset(seed=5))
    assert not np.array_equal(low.items["quality"], high.items["quality"])


def test_repeated_items_are_shown_once():
    env = RecommendationEnv(LongTermSatisfaction, slate_size=3)
    env.reset(seed=0)
    observation, *_ = env.step([2, 2, 2])
    assert np.array_equal(observation["response"][:, 0], [1, 0, 0])


@pytest.mark.parametrize("slate", [[0, 1, 10], [-1, 0, 1]])
def test_an_index_out_of_range_is_named(slate):
    env = RecommendationEnv(InterestEvolution)
    env.reset(seed=0)
    with pytest.raises(ValueError, match=rf"action index {min(slate) if -1 in slate else 10} "):
        env.step(slate)
    batch = RecommendationVectorEnv(InterestEvolution, num_envs=2)
    batch.reset(seed=0)
    with pytest.raises(ValueError, match=r"environment 1, place \d of the slate"):
        batch.step([[0, 1, 2], slate])


def test_steps_that_make_no_sense_raise():
    env = RecommendationEnv(InterestEvolution, max_episode_steps=1)
    with pytest.raises(RuntimeError, match="call reset"):
        env.step([0, 1, 2])
    with pytest.raises(RuntimeError, match="call reset"):
        RecommendationEnv(InterestEvolution, render_mode="ansi").render()
    env.reset(seed=0)
    with pytest.raises(ValueError, match=r"shape \(2,\) does not fit; use \(3,\), slate_size=3"):
        env.step([0, 1])
    assert env.step([0, 1, 2])[3] is True
    with pytest.raises(RuntimeError, match="call reset"):
        env.step([0, 1, 2])
    batch = RecommendationVectorEnv(
        InterestEvolution, num_envs=2, max_episode_steps=1, autoreset_mode="Disabled"
    )
    batch.reset(seed=0)
    batch.step(np.zeros((2, 3), int))
    with pytest.raises(RuntimeError, match=r"environments \[0, 1\] are over"):
        batch.step(np.zeros((2, 3), int))
    with pytest.raises(ValueError, match="boolean array of shape"):
        batch.reset(options={"reset_mask": np.zeros(3, bool)})
    with pytest.raises(ValueError, match="one slate for each environment"):
        batch.step(np.zeros((3, 3), int))


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"slate_size": 12}, "slate_size=12 exceeds n_candidates=10"),
        ({"n_candidates": 0}, "n_candidates=0 is not allowed; use 1 to"),
        ({"n_items": 5}, "n_candidates=10 exceeds n_items=5"),
        ({"choice": "greedy"}, "choice='greedy' is not allowed; use one of multinomial_logit"),
        ({"step_penalty": 0.0}, "step_penalty=0.0 is not allowed; use 1e-09 to"),
    ],
)
def test_bad_settings_name_the_remedy(settings, message):
    with pytest.raises(ValueError, match=message):
        gymnasium.make("recsim_env/InterestEvolution-v0", **settings)


@pytest.mark.parametrize("value", ["20", 3.5, True, None])
def test_settings_of_another_type_are_refused(value):
    with pytest.raises(ValueError, match=r"n_topics=.* is of type \w+; use int"):
        InterestEvolution(n_topics=value)


def test_settings_take_the_type_of_their_default():
    scenario = InterestEvolution(n_topics=np.int64(5), time_budget=50)
    assert type(scenario.n_topics) is int
    assert type(scenario.time_budget) is float
    assert scenario == InterestEvolution(n_topics=5, time_budget=50.0)
    with pytest.raises(ValueError, match="drift=nan is not allowed; use a finite number"):
        InterestEvolution(drift=float("nan"))


def test_none_in_a_list_of_seeds_goes_on_as_in_gymnasium():
    batch = gymnasium.make_vec("recsim_env/InterestEvolution-v0", 3, **SMALL)
    single = gymnasium.make_vec("recsim_env/InterestEvolution-v0", 3, "sync", **SMALL)
    for env in (batch, single):
        env.reset(seed=3)
    assert data_equivalence(batch.reset(seed=[9, None, 2]), single.reset(seed=[9, None, 2]))


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda env: env.reset(seed=2**64), "seed=18446744073709551616 is not allowed"),
        (lambda env: env.step([0.9, 1.0, 2.0]), "actions of type float64 are not indices"),
        (lambda env: InterestEvolution(world_seed=2**70), "use a number of 64 bits"),
        (lambda env: RecommendationEnv(InterestEvolution, max_episode_steps=-3), "use 0 .none."),
    ],
)
def test_numbers_that_cannot_be_meant_are_refused(call, message):
    env = RecommendationEnv(InterestEvolution)
    env.reset(seed=0)
    with pytest.raises(ValueError, match=message):
        call(env)


@pytest.mark.parametrize("choice", MODELS)
def test_expected_reward_is_the_stated_chance_of_an_item_shown_alone(choice):
    for scenario in (InterestEvolution, InterestExploration):
        env = RecommendationEnv(scenario, choice=choice, slate_size=1, min_normalizer=-9.0)
        env.reset(seed=0)
        unit = getattr(env.scenario, "video_length", 1.0)
        expected = env.expected_reward()[4] / unit
        env.step(4)
        assert env._simulator.slots["response"]["probability"][0, 0] == pytest.approx(expected)


def test_an_unknown_setting_is_refused_as_it_is_registered():
    with pytest.raises(ValueError, match="no setting sensitivty; .* mean 'sensitivity'"):
        recsim_env.register("tests/Misspelt-v0", LongTermSatisfaction, sensitivty=0.2, threads=2)
    with pytest.raises(TypeError, match="scenario=3 is not a Scenario"):
        recsim_env.register("tests/Misspelt-v0", 3)
    declared = {"__annotations__": {"depth": float}}
    undecorated = type("Undecorated", (LongTermSatisfaction,), declared)
    with pytest.raises(TypeError, match=r"has settings \(depth\) .* decorate it with @dataclass"):
        recsim_env.register("tests/Misspelt-v0", undecorated, depth=2.0)
    assert "tests/Misspelt-v0" not in gymnasium.registry


def test_an_id_is_not_taken_from_another_environment_without_a_word():
    for name in ("Own", "Own"):  # the same again, edited perhaps
        kind = type(name, (LongTermSatisfaction,), {"__module__": __name__})
        recsim_env.register("tests/Own-v0", kind)
    with pytest.warns(UserWarning, match="Overriding environment tests/Own-v0"):
        recsim_env.register("tests/Own-v0", LongTermSatisfaction)


@pytest.mark.parametrize("num_envs", [None, 2])
def test_nobody_is_there_before_the_first_reset(num_envs):
    env = (
        RecommendationEnv(LongTermSatisfaction)
        if num_envs is None
        else RecommendationVectorEnv(LongTermSatisfaction, num_envs=num_envs)
    )
    people = ["user"] if num_envs is None else ["users"]
    outlooks = ["expected_reward", "long_term_value", "can_be_shown", "action_masks"]
    for name in [*people, "items", *outlooks]:
        with pytest.raises(RuntimeError, match="call reset"):
            found = getattr(env, name)
            found()


def test_own_scenarios_register_like_ours():
    recsim_env.register("tests/Chocolate-v0", LongTermSatisfaction, sensitivity=0.2)
    env = gymnasium.make("tests/Chocolate-v0", n_candidates=4, max_episode_steps=7)
    env.reset(seed=0)
    assert [env.step(0)[3] for _ in range(7)] == [False] * 6 + [True]
    assert env.unwrapped.scenario.sensitivity == 0.2
    batch = gymnasium.make_vec("tests/Chocolate-v0", num_envs=2, max_episode_steps=2)
    batch.reset(seed=0)
    assert [batch.step([0, 0])[3].tolist() for _ in range(2)] == [[False] * 2, [True] * 2]


def test_ansi_line_says_who_saw_what_and_did_what():
    env = gymnasium.make("recsim_env/LongTermSatisfaction-v0", render_mode="ansi")
    env.reset(seed=0)
    assert env.render().startswith("step 0 | somebody (")
    _, reward, *_ = env.step(3)
    line = env.render()
    assert line.startswith("step 1 | somebody (exposure ")
    assert "clicked place 1 (chance 100%): engagement" in line
    assert line.endswith(f"reward {reward:.3g}")
    assert "\n" not in line


@pytest.mark.parametrize("env_id", ENV_IDS)
def test_rgb_array_is_a_picture_that_changes_with_the_step(env_id):
    pytest.importorskip("matplotlib", reason="pip install 'recsim-env[plots]'")
    env = gymnasium.make(env_id, render_mode="rgb_array", **smaller(env_id))
    env.reset(seed=0)
    frames = [env.render()]
    for _ in range(2):
        env.step(env.action_space.sample())
        frames.append(env.render())
    assert all(frame.shape == (400, 800, 3) and frame.dtype == np.uint8 for frame in frames)
    assert not np.array_equal(frames[0], frames[1])
    assert not np.array_equal(frames[1], frames[2])
    env.close()
