"""Watching one person being served by a frozen agent: the one record of it that all else shows."""

import contextlib
from collections.abc import Iterator
from typing import Any, NamedTuple

import numpy as np
from gymnasium.vector import AutoresetMode

from recsim_env.agents import as_agent
from recsim_env.benchmark.evaluation import acting_in
from recsim_env.core.scenario import Scenario
from recsim_env.envs import RecommendationVectorEnv, resolve_scenario
from recsim_env.envs.arguments import as_count, as_seed
from recsim_env.envs.render import Scene, describe_user, scene
from recsim_env.results.visit import Values, Visit, VisitStep

_APART = ("candidates", "response", "item_id", "user_id")
"""Entries of observations that a step keeps elsewhere than in its context."""


class Witnessed(NamedTuple):
    """A moment of a session.

    Attributes:
      scene: for words and pictures.
      step: for all else; None before the first slate.
      episode: which session of the seed it is.
    """

    scene: Scene
    step: VisitStep | None
    episode: int


def witness(
    agent: Any,
    scenario: str | type[Scenario] | Scenario,
    *,
    seed: int,
    episodes: int = 1,
    max_steps: int = 1_000,
    another_world: bool = False,
) -> Iterator[Witnessed]:
    """Yields one person's arrival and every step, in session after session.

    The agent is frozen and its generator replaced for the time, as in `evaluate`; of the people of
    an evaluation with this seed it is the first one, with the same candidates and chance. An agent
    that draws what it shows may draw otherwise here, where it serves nobody beside.

    Args:
      agent, scenario, seed, another_world: as in `evaluate`.
      episodes: sessions.
      max_steps: of all sessions together; the last one may be cut off.
    """
    max_steps = as_count("max_steps", max_steps, allowed="at least 1")
    env = RecommendationVectorEnv(
        resolve_scenario(scenario), num_envs=1, autoreset_mode=AutoresetMode.DISABLED
    )
    agent, seed = as_agent(agent, env), as_seed(seed)
    with contextlib.closing(env), acting_in(agent, env, seed, another_world=another_world):
        n_left = max_steps
        for episode in range(episodes):
            observation, _ = env.reset(seed=seed if episode == 0 else None)
            slot = env.state
            yield Witnessed(scene(env.scenario, None, slot, env.catalogue, 0.0), None, episode)
            state, is_first = None, True
            while n_left and not slot["is_over"][0]:
                n_left -= 1
                slates, state = agent.predict(
                    observation, state, np.array([is_first]), deterministic=True
                )
                seen, before, is_first = observation, slot, False
                observation, rewards, *_ = env.step(slates)
                slot = env.state
                shown = scene(env.scenario, before, slot, env.catalogue, float(rewards[0]))
                chosen = np.reshape(slates, -1)
                yield Witnessed(
                    shown, _step(shown, before[0], slot[0], (seen, observation), chosen), episode
                )


def record_visit(
    agent: Any,
    scenario: str | type[Scenario] | Scenario,
    *,
    seed: int,
    max_steps: int = 1_000,
    another_world: bool = False,
    labels: tuple[str, str] | None = None,
) -> Visit:
    """Returns what one person lives through under a frozen agent, in one session.

    Args:
      agent, scenario, seed, max_steps, another_world: as in `witness`.
      labels: what scenario and agent are called; by default the names of their classes.

    Raises:
      ValueError: the agent learned in another world, unless that is meant.
      TypeError: `agent` is none.
    """
    scenario = resolve_scenario(scenario)
    seen = list(
        witness(agent, scenario, seed=seed, max_steps=max_steps, another_world=another_world)
    )
    return visit_of(seen, labels=labels or (type(scenario).__name__, _name(agent)), seed=seed)


def visit_of(seen: list[Witnessed], *, labels: tuple[str, str], seed: int) -> Visit:
    """Returns the session that was witnessed.

    Args:
      seen: its moments, the arrival first.
      labels: what scenario and agent are called.
      seed: of the person and chance.
    """
    first, last = seen[0].scene, seen[-1].scene
    user_id = first.user_id
    return Visit(
        scenario=labels[0],
        agent=labels[1],
        seed=seed,
        episode=seen[0].episode,
        user_id=user_id,
        arrival=describe_user(first.scenario, first.state, user_id),
        steps=tuple(each.step for each in seen if each.step is not None),
        true_end=_fields(last.state),
    )


def _name(agent: Any) -> str:
    """Returns what an agent or a function is called."""
    return str(getattr(agent, "__name__", type(agent).__name__))


def _step(
    shown: Scene, before: np.void, after: np.void, seen: tuple[Any, Any], chosen: np.ndarray
) -> VisitStep:
    """Returns the numbers of a step.

    Args:
      shown: its words.
      before, after: the slot when the slate was chosen, and now.
      seen: the observations of both moments.
      chosen: (slate_size,), indices of candidates.
    """
    schema = shown.scenario.schema
    names, slate = schema.column_names, after["slate"].copy()
    is_shown = slate >= 0
    context = {
        name: seen[0][entry][0].ravel()[column]
        for entry, columns in names.items()
        if entry not in _APART
        for column, name in enumerate(_row_names(schema.parts[entry].n_rows, columns, entry))
    }
    features: Values = {}
    if "candidates" in names:
        rows = np.where(is_shown[:, None], seen[0]["candidates"][0][chosen], np.nan)
        features = dict(zip(names["candidates"], rows.T, strict=True))
    response: Values = {}
    if "response" in names:
        response = dict(zip(names["response"], seen[1]["response"][0].T.copy(), strict=True))
    has_ids = shown.scenario.n_items > 0
    return VisitStep(
        step=shown.step,
        person=shown.user,
        context=context,
        item_ids=np.where(is_shown & has_ids, slate, -1),
        titles=shown.shown,
        features=features,
        response=response,
        clicked=np.asarray(shown.clicked, bool).copy(),
        outcome=shown.outcome,
        reward=shown.reward,
        is_over=shown.is_over,
        true_state=_fields(before["user"]),
        true_items=_true_items(shown.items, slate),
        true_response=_fields(after["response"]),
    )


def _row_names(n_rows: int | None, columns: tuple[str, ...], entry: str) -> list[str]:
    """Returns a name for each number of an entry: its column, and its row where it has rows."""
    prefix = "" if entry == "context" else f"{entry}_"
    if n_rows is None:
        return [f"{prefix}{column}" for column in columns]
    return [f"{prefix}{row}_{column}" for row in range(n_rows) for column in columns]


def _fields(records: Any) -> dict[str, np.ndarray]:
    return {name: np.array(records[name]) for name in records.dtype.names or ()}


def _true_items(items: np.ndarray, slate: np.ndarray) -> dict[str, np.ndarray]:
    """Returns the fields of the items of a slate as numbers, NaN where a place is empty."""
    found = {}
    for name in items.dtype.names or ():
        values = items[name][slate].astype(float)
        values[slate < 0] = np.nan
        found[name] = values
    return found
