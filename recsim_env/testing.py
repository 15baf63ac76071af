"""Checks for other people's scenarios and agents, in the order in which one debugs them.

>>> from recsim_env.scenarios.long_term_satisfaction import LongTermSatisfaction
>>> from recsim_env.testing import check_scenario
>>> check_scenario(LongTermSatisfaction, n_candidates=3)
"""

import tempfile
from pathlib import Path
from typing import Any

import numpy as np
from gymnasium.utils.env_checker import check_env, data_equivalence
from gymnasium.vector import AutoresetMode, SyncVectorEnv

from recsim_env.agents import Agent, UnsuitableScenario, agent_class
from recsim_env.agents.core.restoring import flattened
from recsim_env.core.scenario import Scenario
from recsim_env.engine.faults import ScenarioFault, explain
from recsim_env.engine.rehearsal import check_functions, earner, mark_checked
from recsim_env.engine.threads import MIN_SLOTS_PER_THREAD, splitting_always
from recsim_env.envs import RecommendationEnv, RecommendationVectorEnv, resolve_scenario

_N_STEPS = 20


class CheckFailed(AssertionError):
    """A scenario or an agent breaks its contract; the message says how."""


def _require(holds: bool, message: str) -> None:
    if not holds:
        raise CheckFailed(message)


def check_scenario(scenario: str | type[Scenario] | Scenario, **settings: Any) -> None:
    """Raises unless a scenario keeps the contract of `recsim_env.Scenario`.

    Its functions run as plain Python first, so that a mistake is an ordinary traceback into them
    and not a compiler's, with a sentence at its end. Then: observations lie in their spaces and
    hold finite numbers, rewards are finite, an empty place is not clicked, the same seed gives the
    same trajectory, compiled and plain agree, Gymnasium's checker is content, a batch equals that
    many single environments in every autoreset mode, and the number of threads does not matter.

    Args:
      scenario: a subclass, an instance, or a name such as ``"module:Class"``.
      **settings: of the scenario; with a `reward` of one's own, that is checked likewise.

    Raises:
      CheckFailed: the contract is broken.
      ScenarioFault: a function cannot be called, uses a field that is not there, or returns what
        is no answer; it comes from what Python raised there.
      Exception: whatever else the scenario's own functions raise.
    """
    made = resolve_scenario(scenario, **settings)
    _check_named_fields(made)
    check_functions(made)
    try:
        plain = _play(made, compiled=False)
    except Exception as error:
        explain(made, error)
        raise
    _check_steps(made, plain)
    _require(
        data_equivalence(plain, _play(made, compiled=False)),
        "the same seed gave two trajectories; draw only from the rng that a function is given",
    )
    _check_compiled(made, plain)
    check_env(RecommendationEnv(made), skip_render_check=True)
    for mode in AutoresetMode:
        check_batch(made, autoreset_mode=mode)
    _check_threads(made)
    mark_checked(made)


def _check_named_fields(scenario: Scenario) -> None:
    """Raises unless what the class names for measuring are fields of its records."""
    of_items = {
        name: getattr(scenario, name) or () for name in ("category", "item_vector", "maker")
    }
    of_users = {name: getattr(scenario, name) or () for name in ("active_makers", "session_count")}
    of_users |= {"traits": scenario.traits}
    of_users |= {f"state_groups[{name!r}]": of for name, of in scenario.state_groups.items()}
    for record, named in (("item", of_items), ("user", of_users)):
        known = scenario.schema.dtypes[record].names or ()
        for what, fields in named.items():
            for field in fields if isinstance(fields, list | tuple) else (fields,):
                _require(
                    field in known,
                    f"{what} names {field!r}, which is no field of the {record} record; "
                    f"use one of {', '.join(known)}",
                )


# How what lies outside its space is mended.
_WITHIN = {
    "user_id": "let sample_visitor() return one of the n_users people, counted from 0",
    "item_id": "let sample_candidate() return one of the n_items items, counted from 0",
}
_WITHIN_ENDS = "keep each field within the ends that its layout gives, or give it others"


def random_slates(scenario: Scenario, n: int, rng: np.random.Generator) -> np.ndarray:
    """Returns (n, slate_size) candidate indices; some slates repeat an item."""
    return rng.integers(0, scenario.n_candidates, (n, scenario.slate_size))


def _as_actions(scenario: Scenario, slates: np.ndarray) -> np.ndarray:
    return slates[:, 0] if scenario.slate_size == 1 else slates


def _play(scenario: Scenario, *, compiled: bool) -> list[tuple[Any, ...]]:
    """Returns what three people did over a few episodes, and what the oracles think of it."""
    env = RecommendationVectorEnv(scenario, num_envs=3, max_episode_steps=8, compiled=compiled)
    rng = np.random.default_rng(0)
    trajectory: list[tuple[Any, ...]] = [(env.reset(seed=5)[0],)]
    for _ in range(_N_STEPS):
        slates = random_slates(scenario, 3, rng)
        observation, rewards, terminated, truncated, infos = env.step(_as_actions(scenario, slates))
        values = [getattr(env, name)() for name in _outlooks(scenario)]
        trajectory.append((observation, rewards, terminated, truncated, infos, values, slates))
    return trajectory


def _outlooks(scenario: Scenario) -> list[str]:
    """Returns what the scenario must be able to say of each candidate, by name."""
    names = ["expected_reward", "long_term_value"]
    has_none = [scenario.outlook(name) is None for name in names]
    has_none[0] = has_none[0] and not scenario.pays_own  # it must foresee its own
    return [name for name, is_none in zip(names, has_none, strict=True) if not is_none]


def _check_steps(scenario: Scenario, trajectory: list[tuple[Any, ...]]) -> None:
    space = scenario.schema.spaces
    for step, (observation, *rest) in enumerate(trajectory):
        for name, batch in observation.items():
            for value in batch:
                _require(
                    bool(np.isfinite(value).all()),
                    f"step {step}: observation {name!r} has a number that is not finite: {value}",
                )
                _require(
                    space[name].contains(value),
                    f"step {step}: observation {name!r} = {value} is outside {space[name]}; "
                    f"{_WITHIN.get(name, _WITHIN_ENDS)}",
                )
        if rest:
            rewards, _, _, infos, values, slates = rest
            for name, value in infos.items():
                _require_finite(value, f"step {step}: info {name!r} = {value}", "report")
            _require_finite(rewards, f"step {step}: rewards {rewards}", earner(scenario))
            for name, value in zip(_outlooks(scenario), values, strict=True):
                _require_finite(value, f"step {step}: {name} {value}", name)
            _check_empty_places(step, observation, slates)


def _require_finite(values: np.ndarray, found: str, function: str) -> None:
    is_finite = bool(np.isfinite(values).all())
    _require(is_finite, f"{found}: not all are finite; mend {function}()")


def _check_empty_places(step: int, observation: Any, slates: np.ndarray) -> None:
    if "response" not in observation:
        return
    for place in range(1, slates.shape[1]):
        is_empty = (slates[:, :place] == slates[:, place : place + 1]).any(axis=1)
        _require(
            not observation["response"][is_empty, place, 0].any(),
            f"step {step}: place {place} was empty (slate[place] is -1) and yet clicked",
        )


def _check_compiled(scenario: Scenario, plain: list[tuple[Any, ...]]) -> None:
    try:
        compiled = _play(scenario, compiled=True)
    except ScenarioFault as error:
        raise CheckFailed(
            "plain Python runs, but it cannot be compiled (see the Numba manual's list of what "
            f"compiled functions may use): {error}"
        ) from error
    for step, (one, other) in enumerate(zip(plain, compiled, strict=True)):
        for left, right in zip(one, other, strict=True):
            pairs = (
                [(left[name], right[name]) for name in left]
                if isinstance(left, dict)
                else [(left, right)]
            )
            for a, b in pairs:
                _require(
                    np.allclose(a, b, rtol=1e-5, atol=1e-6),
                    f"step {step}: compiled and plain Python disagree: {b} and {a}",
                )


def check_batch(
    scenario: Scenario, *, autoreset_mode: AutoresetMode, num_envs: int = 3, n_steps: int = _N_STEPS
) -> None:
    """Raises unless a batch equals that many single environments, in all that `step` returns."""
    limit = 5
    single = SyncVectorEnv(
        [lambda: RecommendationEnv(scenario, max_episode_steps=limit)] * num_envs,
        autoreset_mode=autoreset_mode,
    )
    batch = RecommendationVectorEnv(
        scenario, num_envs=num_envs, autoreset_mode=autoreset_mode, max_episode_steps=limit
    )
    rng = np.random.default_rng(1)
    expected: tuple[Any, ...] = single.reset(seed=7)
    given: tuple[Any, ...] = batch.reset(seed=7)
    for step in range(n_steps):
        _require(
            data_equivalence(expected, given),
            f"{autoreset_mode}, step {step}: a batch gave {given}, single environments {expected}",
        )
        if autoreset_mode == AutoresetMode.DISABLED and step and (given[2] | given[3]).any():
            mask = given[2] | given[3]
            expected = single.reset(options={"reset_mask": mask.copy()})
            given = batch.reset(options={"reset_mask": mask})
            _require(data_equivalence(expected, given), f"{autoreset_mode}, step {step}: reset")
        actions = _as_actions(scenario, random_slates(scenario, num_envs, rng))
        expected, given = single.step(actions), batch.step(actions)


def _check_threads(scenario: Scenario) -> None:
    n = 3 * MIN_SLOTS_PER_THREAD
    trajectories = []
    for threads in (1, 3):
        env = RecommendationVectorEnv(scenario, num_envs=n, threads=threads, max_episode_steps=3)
        rng = np.random.default_rng(2)
        with splitting_always():
            steps: list[Any] = [env.reset(seed=11)]
            for _ in range(6):
                steps.append(env.step(_as_actions(scenario, random_slates(scenario, n, rng))))
        trajectories.append(steps)
        env.close()
    _require(
        data_equivalence(trajectories[0], trajectories[1]),
        "one thread and three gave different results",
    )


def check_agent(
    agent: str | type[Agent],
    scenario: str | type[Scenario] | Scenario,
    *,
    total_timesteps: int = 300,
    **settings: Any,
) -> None:
    """Raises unless an agent keeps the contract of `recsim_env.agents.Agent` in a scenario.

    Where the scenario does not suit it, it must say so in a sentence. Otherwise it learns for a
    while, in two goes; its slates, batched and single, hold no item twice and only candidates; the
    same seed gives the same slates; what it saves and loads recommends the same, and learns on as
    it would have.

    Args:
      agent: a class, a registered name, or ``"module:Class"``.
      scenario: what to check it in.
      total_timesteps: interactions to learn from; enough for all of its learning to begin.
      **settings: of the agent.

    Raises:
      CheckFailed: the contract is broken.
    """
    kind: Any = agent_class(agent) if isinstance(agent, str) else agent
    if not (isinstance(kind, type) and issubclass(kind, Agent)):
        raise TypeError(
            f"agent={agent!r:.80} is neither a name nor a class of an agent; use a subclass of "
            "recsim_env.agents.Agent, or as text 'module:Class' or 'module:function'"
        )
    made = resolve_scenario(scenario)
    reason = kind.unsuitable(made)
    if reason is not None:
        _check_refusal(kind, made, reason)
        return
    learned = [_learned(kind, made, total_timesteps, settings) for _ in range(2)]
    home = learned[0].env
    slates = [_check_slates(agent, made) for agent in learned]
    _require(
        np.array_equal(slates[0], slates[1]),
        "the same seed learned two agents that recommend differently",
    )
    _check_file(learned[0], made, home)


def _learned(
    kind: type[Agent], scenario: Scenario, total_timesteps: int, settings: dict[str, Any]
) -> Agent:
    env = RecommendationVectorEnv(scenario, num_envs=8, max_episode_steps=10)
    agent = kind(env, seed=3, **settings)
    _require(
        hasattr(agent, "num_timesteps"),
        f"{kind.__name__}.__init__() leaves out super().__init__(env, seed=seed, **settings); let "
        "it begin with that",
    )
    for goal in (total_timesteps // 2, total_timesteps):
        agent.learn(goal - agent.num_timesteps)
        _require(
            agent.num_timesteps >= goal,
            f"learn() up to {goal} interactions ended after {agent.num_timesteps}",
        )
    return agent


def _check_refusal(kind: type[Agent], scenario: Scenario, reason: str) -> None:
    _require(len(reason.split()) >= 4, f"unsuitable() must give a sentence, not {reason!r}")
    try:
        kind(RecommendationVectorEnv(scenario, num_envs=2))
    except UnsuitableScenario:
        return
    raise CheckFailed(f"unsuitable() says {reason!r}, but the constructor did not raise")


def _meet(agent: Agent, scenario: Scenario, num_envs: int) -> Any:
    """Returns what the agent sees of some new people, and lets it act among them."""
    env = RecommendationVectorEnv(scenario, num_envs=num_envs, max_episode_steps=10)
    agent.set_env(env)
    return env.reset(seed=17)[0]


def _check_slates(agent: Agent, scenario: Scenario) -> np.ndarray:
    """Returns the agent's slates for some new people, having found them proper."""
    n = 5
    slates, _ = agent.predict(_meet(agent, scenario, n), deterministic=True)
    shape = (n,) if scenario.slate_size == 1 else (n, scenario.slate_size)
    _require(slates.shape == shape, f"slates have shape {slates.shape}, not {shape}")
    rows = np.reshape(slates, (n, -1))
    _require(
        bool(((rows >= 0) & (rows < scenario.n_candidates)).all()),
        f"slates hold others than the indices of candidates, 0 to {scenario.n_candidates - 1}: "
        f"{slates}",
    )
    repeats = any(len(set(row)) < len(row) for row in rows.tolist())
    _require(not repeats, f"a slate shows an item twice: {slates}")
    first = {name: value[0] for name, value in _meet(agent, scenario, 1).items()}
    slate, _ = agent.predict(first)
    _require(np.shape(slate) == shape[1:], f"one observation gave a slate of {np.shape(slate)}")
    return slates


def _check_file(agent: Agent, scenario: Scenario, home: RecommendationVectorEnv) -> None:
    """Raises unless a saved and loaded agent serves, and learns on at home, as the agent itself."""
    observation = _meet(agent, scenario, 5)
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "agent.npz"
        agent.save(path)
        loaded = type(agent).load(path, agent.env)
    _require(
        loaded.num_timesteps == agent.num_timesteps, "a loaded agent forgot how much it learned"
    )
    slates = [each.predict(observation, deterministic=True)[0] for each in (agent, loaded)]
    _require(
        np.array_equal(slates[0], slates[1]),
        "a loaded agent recommends differently from the saved one",
    )
    agent.set_env(home)
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "agent.npz"
        agent.save(path)
        loaded = type(agent).load(path, home.twin())
    found = [flattened(each.learn(100).state_dict()) for each in (agent, loaded)]
    changed = [
        name
        for name in sorted(found[0].keys() | found[1].keys())
        if not all(name in each for each in found)
        or not np.array_equal(found[0][name], found[1][name])
    ]
    _require(not changed, f"a loaded agent learned on differently; {', '.join(changed)} differ")
