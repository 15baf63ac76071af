"""What is earned by a network that is told the long-term values, and sees no more than agents do.

It bounds, from below, what can be earned by seeing what agents see and composing slates as they
can; what agents stay below it, they have not learned.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any

import numpy as np

from recsim_env.agents import Agent, make_agent
from recsim_env.benchmark.evaluation import evaluate
from recsim_env.core.scenario import Scenario
from recsim_env.envs import RecommendationVectorEnv

# People side by side while it is told, steps of each in a round, and of each whom it meets before.
_N_SLOTS, _N_STEPS, _N_STEPS_BEFORE = 200, 50, 2_500

# Of the network and of what it is told.
_WIDTH, _EPOCHS, _BATCH, _LEARNING_RATE, _MOST = 64, 4, 256, 2e-3, 15.0


@dataclass(frozen=True)
class Acting:
    """What is earned by acting on what one was told.

    Attributes:
      told, oracle, far_sighted: mean returns of the same people.
    """

    told: float
    oracle: float
    far_sighted: float

    @property
    def share(self) -> float:
        """Of what the far-sighted reference earns beyond the oracle."""
        return (self.told - self.oracle) / (self.far_sighted - self.oracle)


def acting(
    scenario: Scenario,
    *,
    n_episodes: int,
    n_rounds: int = 4,
    seed: int = 0,
    remembers: Mapping[str, bool] = MappingProxyType({}),
) -> Acting:
    """Returns what somebody earns who is told the values, beside who knows them.

    Args:
      scenario: where; it has a `long_term_value`.
      n_episodes: that are played to say so.
      n_rounds: how often it is told of 10,000 moments that its own slates led to.
      seed: of the people; others are judged on.
      remembers: settings of `ppo` that say what it remembers, such as `profiles`, with which it
        knows people again whom it met before.
    """
    agent = _told(scenario, n_rounds=n_rounds, seed=seed, remembers=remembers)
    env = agent.env
    agents = {"told": agent} | {name: make_agent(name, env) for name in ("oracle", "far_sighted")}
    judged: dict[str, Any] = {"n_episodes": n_episodes, "seed": seed + 100 * n_rounds * _N_SLOTS}
    return Acting(
        **{k: evaluate(each, scenario, **judged).return_mean for k, each in agents.items()}
    )


def _told(scenario: Scenario, *, n_rounds: int, seed: int, remembers: Mapping[str, bool]) -> Agent:
    """Returns an agent with the network of `ppo`, which was told the values of what it met."""
    env = RecommendationVectorEnv(scenario, num_envs=_N_SLOTS)
    agent: Any = make_agent("ppo", env, seed=seed, redundancy=True, width=_WIDTH, **remembers)
    if remembers.get("profiles"):
        _meet(agent, env, _N_STEPS_BEFORE, seed)
    lessons: list[dict[str, np.ndarray]] = []
    for number in range(n_rounds):
        lessons += _meet(
            agent, env, _N_STEPS, seed + number * _N_SLOTS, tells=True, first=not number
        )
        _teach(
            agent, {name: np.concatenate([each[name] for each in lessons]) for name in lessons[0]}
        )
    return agent


def _meet(
    agent: Any, env: Any, n_steps: int, seed: int, *, tells: bool = False, first: bool = True
) -> list[dict[str, np.ndarray]]:
    """Lets the agent get to know people; returns what it saw, beside the values, if it is told.

    At first half of the people are shown uniform slates and half the best, later what it serves.
    """
    memory, rng, k = agent.memory, np.random.default_rng(seed), env.scenario.slate_size
    observation, _ = env.reset(seed=seed)
    kept, begins = memory.begin(env.num_envs), np.ones(env.num_envs, bool)
    is_over = np.zeros(env.num_envs, bool)
    lessons = []
    for _ in range(n_steps):
        kept = memory.next(kept, observation, begins)
        memory.learn(kept, observation, is_over)
        slates = rng.random((env.num_envs, env.scenario.n_candidates)).argsort(axis=1)[:, :k]
        if tells:
            alone, beside = env.long_term_value(alone=True), env.long_term_value()
            best = np.argsort(-beside, axis=1, kind="stable")[:, :k]
            told = {"told_alone": alone, "told_beside": beside, "told_best": best}
            lessons.append(
                {name: each.copy() for name, each in memory.seen(kept, observation).items()} | told
            )
            slates[::2] = best[::2]
            if not first:
                slates = agent.recommend(observation, kept, deterministic=True)
        kept = memory.showing(kept, observation, slates)
        observation, _, terminated, truncated, _ = env.step(slates if k > 1 else slates[:, 0])
        begins, is_over = is_over, terminated | truncated
    return lessons


def _teach(agent: Any, lessons: dict[str, np.ndarray]) -> None:
    """Fits scores, and what items take off each other, to the values by least squares."""
    import torch

    from recsim_env.agents.networks.compute import computing

    alone, beside = lessons.pop("told_alone"), lessons.pop("told_beside")
    best = torch.as_tensor(lessons.pop("told_best"))
    mean = alone.mean(axis=1, keepdims=True)
    deviation = (alone - mean).std() or 1.0
    goals = [
        torch.as_tensor(np.clip((each - mean) / deviation, -_MOST, _MOST), dtype=torch.float32)
        for each in (alone, beside)
    ]
    network = agent.network
    optimizer = torch.optim.Adam(network.parameters(), lr=_LEARNING_RATE)
    with computing(agent.seed):
        inputs = network.inputs(agent.trainer.on_device(lessons))
        for _ in range(_EPOCHS):
            order = torch.as_tensor(agent.rng.permutation(len(alone)))
            for rows in order.split(_BATCH):
                heads = network.heads({name: each[rows] for name, each in inputs.items()})
                optimizer.zero_grad()
                _error(heads, best[rows], *(goal[rows] for goal in goals)).backward()
                optimizer.step()


def _error(heads: Any, best: Any, alone: Any, beside: Any) -> Any:
    """Returns the mean squared error of scores, alone and beside the items of the best slate.

    What stands there is less by what stands above it, all else by the whole slate.
    """
    scores, usual = heads.scores, heads.scores.mean(dim=1, keepdim=True)
    error = ((scores - usual - alone) ** 2).mean()
    if heads.redundancy is None:
        return error
    places = best[:, :, None].expand(-1, -1, scores.shape[1])
    taken_off = heads.redundancy.gather(1, places)
    so_far = taken_off.cumsum(dim=1)
    above = (so_far - taken_off).gather(2, best[:, :, None])[:, :, 0]
    found = (scores - so_far[:, -1]).scatter(1, best, scores.gather(1, best) - above)
    return error + ((found - usual - beside) ** 2).mean()
