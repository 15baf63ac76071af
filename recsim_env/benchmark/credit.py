"""How much of the long-term value agents could tell from what they see, and how much they show.

Where an agent stays below the far-sighted reference, what it lacks is hidden from it or it has not
learned it. A network that is told the true `long_term_value` of candidates, and sees what agents
see, finds what can be told; the agent's slates show what it learned of that without being told.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from recsim_env.agents import Agent
from recsim_env.agents.core.session import SessionMemory
from recsim_env.benchmark.evaluation import acting_in
from recsim_env.core.scenario import Scenario
from recsim_env.envs import RecommendationVectorEnv

#: People side by side while values are gathered; the last fifth of them is judged on.
N_SLOTS = 100
_HELD_OUT = 0.2

# Of the network that is told the values.
_WIDTH, _EPOCHS, _BATCH, _LEARNING_RATE = 64, 6, 256, 2e-3


@dataclass(frozen=True)
class Credit:
    """What part of the long-term value of first places, above a random item's, is got.

    The best item of each moment has 1, a random one 0; each is judged by itself.

    Attributes:
      n_moments: at which it was judged.
      predictable: by who is told the values of other people, and sees what agents see.
      learned: by the agent.
    """

    n_moments: int
    predictable: float
    learned: float

    @property
    def hidden(self) -> float:
        """What nobody could tell from what agents see, or no such network did."""
        return 1.0 - self.predictable

    @property
    def lost(self) -> float:
        """What could be told and is not learned."""
        return self.predictable - self.learned


def credit(
    agent: Agent,
    scenario: Scenario,
    *,
    n_moments: int = 20_000,
    seed: int = 0,
    recency: bool = False,
) -> Credit:
    """Returns how an agent's first places compare with the values that could be told.

    Args:
      agent: serves, deterministically.
      scenario: where; it has a `long_term_value`.
      n_moments: decisions that are gathered; four fifths of the people teach the network.
      seed: of the people, and of the network.
      recency: whether the network sees how lately items of a candidate's kind were shown.

    Raises:
      ValueError: the scenario has no long-term value.
    """
    memory = SessionMemory(scenario, recency=recency)
    env = RecommendationVectorEnv(scenario, num_envs=N_SLOTS)
    try:
        seen, values, first = _gathered(agent, env, memory, max(2, n_moments // N_SLOTS), seed)
    finally:
        env.close()
    n_told = round((1.0 - _HELD_OUT) * N_SLOTS)
    told, held = slice(None, n_told), slice(n_told, None)
    network = _taught(memory.seen_space, _rows(seen, told), _flat(values[:, told]), seed=seed)
    true = _flat(values[:, held])
    best = network(_rows(seen, held)).argmax(axis=1)
    return Credit(len(true), _share(true, best), _share(true, _flat(first[:, held])))


def _gathered(
    agent: Agent, env: RecommendationVectorEnv, memory: SessionMemory, n_steps: int, seed: int
) -> tuple[dict[str, np.ndarray], np.ndarray, np.ndarray]:
    """Returns what was seen, true values, and the first candidate shown, (n_steps, N_SLOTS, ...).

    The steps that only begin a session are decisions like others.
    """
    seen: dict[str, list[np.ndarray]] = {name: [] for name in memory.seen_space}
    values, first = [], []
    with acting_in(agent, env, seed):
        observation, _ = env.reset(seed=seed)
        state, begins = None, np.ones(env.num_envs, bool)
        kept = memory.begin(env.num_envs)
        is_over = np.zeros(env.num_envs, bool)
        for _ in range(n_steps):
            kept = memory.next(kept, observation, begins)
            for name, each in memory.seen(kept, observation).items():
                seen[name].append(each.copy())
            values.append(env.long_term_value(alone=True))
            slates, state = agent.predict(
                observation, state=state, episode_start=begins, deterministic=True
            )
            slates = np.reshape(slates, (env.num_envs, -1))
            first.append(slates[:, 0])
            kept = memory.showing(kept, observation, slates)
            actions = slates if env.scenario.slate_size > 1 else slates[:, 0]
            observation, _, terminated, truncated, _ = env.step(actions)
            begins, is_over = is_over, terminated | truncated
    return {name: np.stack(each) for name, each in seen.items()}, np.stack(values), np.stack(first)


def _taught(space: Any, seen: Mapping[str, np.ndarray], values: np.ndarray, *, seed: int) -> Any:
    """Returns a function from what is seen to predicted values, by least squares."""
    import torch

    from recsim_env.agents.networks.compute import as_tensors, computing
    from recsim_env.agents.networks.encoder import scores_only

    rng, device = np.random.default_rng(seed), torch.device("cpu")
    goal = _centred(values)
    target = torch.as_tensor(goal / (goal.std() or 1.0), dtype=torch.float32)
    with computing(seed):
        network = scores_only(space, _WIDTH)
        inputs = as_tensors(seen, device)
        optimizer = torch.optim.Adam(network.parameters(), lr=_LEARNING_RATE)
        for _ in range(_EPOCHS):
            order = rng.permutation(len(goal))
            for start in range(0, len(goal), _BATCH):
                rows = torch.as_tensor(order[start : start + _BATCH])
                scores = network.scores({name: each[rows] for name, each in inputs.items()})
                error = ((scores - scores.mean(1, keepdim=True) - target[rows]) ** 2).mean()
                optimizer.zero_grad()
                error.backward()
                optimizer.step()

    def predict(seen: Mapping[str, np.ndarray]) -> np.ndarray:
        with computing(), torch.inference_mode():
            return np.asarray(network.scores(as_tensors(seen, device)).numpy())

    return predict


def _share(values: np.ndarray, chosen: np.ndarray) -> float:
    """Returns how much of what the best candidates are above random ones the chosen ones are."""
    centred = _centred(values)
    got = centred[np.arange(len(chosen)), chosen].mean()
    return float(got / centred.max(axis=1).mean())


def _centred(values: np.ndarray) -> np.ndarray:
    return values - values.mean(axis=1, keepdims=True)


def _flat(values: np.ndarray) -> np.ndarray:
    return values.reshape(-1, *values.shape[2:])


def _rows(seen: Mapping[str, np.ndarray], people: slice) -> dict[str, np.ndarray]:
    return {name: _flat(each[:, people]) for name, each in seen.items()}
