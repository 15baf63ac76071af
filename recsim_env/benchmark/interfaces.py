"""How fast other people's frameworks step a batch, by the interfaces that they train through."""

import statistics
from collections.abc import Callable, Iterable, Mapping
from typing import Any, NamedTuple

from gymnasium.vector import AutoresetMode

from recsim_env.agents.core.requirements import extra
from recsim_env.benchmark.speed import rate_of
from recsim_env.core.scenario import Scenario
from recsim_env.envs import RecommendationVectorEnv
from recsim_env.inputs.spelling import did_you_mean

_REPEATS = 3

#: RLlib samples that many steps of each person at once.
_FRAGMENT = 32

#: RLlib makes environments by id; the scenario is given beside it.
_ANY_ID = "recsim_env:recsim_env/BernoulliBandit-v0"


def _stable_baselines3(scenario: Scenario, num_envs: int) -> Callable[[int], object]:
    from recsim_env.envs.sb3 import VecEnvAdapter

    env = VecEnvAdapter(_people(scenario, num_envs, AutoresetMode.SAME_STEP))
    env.reset()
    actions = env.env.action_space.sample()
    return lambda _: env.step(actions)


def _torchrl(scenario: Scenario, num_envs: int) -> Callable[[int], object]:
    import torch
    from torchrl.envs import GymWrapper

    people = _people(scenario, num_envs, AutoresetMode.DISABLED)
    env = GymWrapper(people, categorical_action_encoding=True)
    actions = torch.as_tensor(people.action_space.sample())
    now = [env.reset()]

    def step(_: int) -> None:
        now[0].set("action", actions)
        now[0] = env.step_and_maybe_reset(now[0])[1]

    return step


def _tianshou(scenario: Scenario, num_envs: int) -> Callable[[int], object]:
    from tianshou.algorithm.modelfree.reinforce import ProbabilisticActorPolicy
    from tianshou.data import Collector, VectorReplayBuffer

    from recsim_env.agents.frameworks.tianshou import CandidateNet, TianshouVectorEnv, slates

    people = _people(scenario, num_envs, AutoresetMode.DISABLED)
    space: Any = people.single_observation_space
    actions = people.single_action_space
    policy = ProbabilisticActorPolicy(  # which is not asked
        actor=CandidateNet(space),
        dist_fn=slates(actions),
        action_space=actions,
        action_scaling=False,
        action_bound_method=None,
    )
    collector = Collector(
        policy,
        TianshouVectorEnv(people),
        VectorReplayBuffer(_FRAGMENT * num_envs, num_envs),
    )
    collector.reset()
    return lambda _: collector.collect(n_step=_FRAGMENT * num_envs, random=True)


def _rllib(scenario: Scenario, num_envs: int) -> Callable[[int], object]:
    from ray.rllib.algorithms.ppo import PPOConfig
    from ray.rllib.core.rl_module import RLModuleSpec
    from ray.rllib.env.single_agent_env_runner import SingleAgentEnvRunner

    from recsim_env.agents.frameworks.rllib import CandidateModule

    config = (
        PPOConfig()
        .environment(_ANY_ID, env_config={"scenario": scenario})
        .env_runners(
            num_env_runners=0,
            num_envs_per_env_runner=num_envs,
            gym_env_vectorize_mode="vector_entry_point",
        )
        .rl_module(rl_module_spec=RLModuleSpec(CandidateModule))
    )
    runner = SingleAgentEnvRunner(config=config)
    return lambda _: runner.sample(num_timesteps=_FRAGMENT * num_envs, random_actions=True)


def _people(scenario: Scenario, num_envs: int, mode: AutoresetMode) -> RecommendationVectorEnv:
    return RecommendationVectorEnv(scenario, num_envs=num_envs, autoreset_mode=mode)


class Framework(NamedTuple):
    """A framework's way of stepping a batch.

    Attributes:
      make: returns a function that steps so many people of a scenario, with random slates.
      n_steps: how many steps of each person that is.
      module: what is imported of it.
      install: what pip is told to install for it.
    """

    make: Callable[[Scenario, int], Callable[[int], object]]
    n_steps: int
    module: str
    install: str


#: By name.
FRAMEWORKS: Mapping[str, Framework] = {
    "stable_baselines3": Framework(
        _stable_baselines3, 1, "stable_baselines3", "recsim-env[agents]"
    ),
    "torchrl": Framework(_torchrl, 1, "torchrl.envs", "torchrl"),
    "tianshou": Framework(_tianshou, _FRAGMENT, "tianshou.data", "tianshou"),
    "rllib": Framework(_rllib, _FRAGMENT, "ray.rllib.algorithms.ppo", "ray[rllib]"),
}


def require_frameworks(names: Iterable[str]) -> None:
    """Tells of all frameworks whether they can be measured, before any is.

    Raises:
      ImportError: one is not installed; the message says how to.
      ValueError: a name is none of `FRAMEWORKS`.
    """
    for name in names:
        if name not in FRAMEWORKS:
            raise ValueError(
                f"framework {name!r} is unknown; use {', '.join(FRAMEWORKS)}"
                f"{did_you_mean(name, FRAMEWORKS)}"
            )
        one = FRAMEWORKS[name]
        extra(one.module, needed_by=f"stepping through {name}", install=one.install)


def rates_through(
    framework: str, scenario: Scenario, num_envs: int, *, seconds: float
) -> tuple[float, float]:
    """Returns interactions per second of a batch by itself, and through a framework.

    They are measured in turns, on one thread, so that a busy machine slows both.

    Args:
      framework: a key of `FRAMEWORKS`.
      scenario: whose people.
      num_envs: how many.
      seconds: how long to measure either.

    Raises:
      ImportError, ValueError: as of `require_frameworks`.
    """
    require_frameworks([framework])
    make, n_steps, *_ = FRAMEWORKS[framework]
    through = make(scenario, num_envs)
    people = _people(scenario, num_envs, AutoresetMode.NEXT_STEP)
    people.reset(seed=0)
    actions = people.action_space.sample()
    pairs = []
    for _ in range(_REPEATS):
        share = seconds / _REPEATS
        alone = rate_of(lambda _: people.step(actions), num_envs, seconds=share)
        pairs.append((alone, rate_of(through, n_steps * num_envs, seconds=share)))
    return statistics.median(p[0] for p in pairs), statistics.median(p[1] for p in pairs)
