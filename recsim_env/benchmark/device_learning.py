"""How fast `ppo` learns on a GPU, how much of that the simulator takes, and what it then earns.

    python -m recsim_env.benchmark.device_learning --device cuda --people 4096 65536

prints, for each number of people, interactions per second with learning and the share of that time
in the simulator; then the returns of policies learned on the device and on the CPU, frozen, among
the same people, with the interval of their difference. `--device cpu` goes the same way, and says
nothing of a GPU.
"""

import argparse
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from recsim_env.agents import make_agent
from recsim_env.benchmark.evaluation import evaluate
from recsim_env.benchmark.memory import peak_mebibytes
from recsim_env.core.scenario import Scenario
from recsim_env.envs import RecommendationVectorEnv
from recsim_env.envs.resolving import resolve_scenario
from recsim_env.results.intervals import Estimate, paired_difference

_N_EVALUATED = 1_000

# Seeds of people whom nobody learned from.
_OTHERS = 10**6


@dataclass(frozen=True)
class DeviceRate:
    """How fast it learned.

    Attributes:
      num_envs: people side by side.
      per_second: interactions per second, with learning.
      simulated: share of that time in the simulator.
      peak_mebibytes: the most memory of the process, without the device's.
    """

    num_envs: int
    per_second: float
    simulated: float
    peak_mebibytes: float


def device_rate(scenario: Scenario, num_envs: int, device: str, *, seconds: float) -> DeviceRate:
    """Returns how fast `ppo` learns on a device, from rollouts of 32 steps of everybody."""
    env = RecommendationVectorEnv(scenario, num_envs=num_envs)
    agent: Any = make_agent("ppo", env, seed=0, device=device, rollout=32 * num_envs)
    agent.learn(33 * num_envs)  # until all is compiled
    took, step = [0.0], agent.stage.step

    def timed(slates: Any) -> Any:
        start = time.perf_counter()
        found = step(slates)
        took[0] += time.perf_counter() - start
        return found

    agent.stage.step = timed
    before, start = agent.num_timesteps, _now(device)
    while _now(device) - start < seconds:
        agent.learn(32 * num_envs)
    whole = _now(device) - start
    n_steps = agent.num_timesteps - before
    return DeviceRate(num_envs, n_steps / whole, took[0] / whole, peak_mebibytes())


def _now(device: str) -> float:
    """Returns the time at which the device has done what it was given."""
    import torch

    if device == "cuda":
        torch.cuda.synchronize()
    return time.perf_counter()


def beyond_cpu(
    scenario: Scenario, device: str, *, num_envs: int, interactions: int, seeds: Sequence[int]
) -> Estimate:
    """Returns how much more a policy earns that was learned on a device than one of the CPU.

    Both learn from the same people with the same first weights.
    """
    returns: dict[str, dict[int, float]] = {}
    for where in (device, "cpu"):
        of_seed = returns.setdefault(f"{where} {len(returns)}", {})
        for seed in seeds:
            env = RecommendationVectorEnv(scenario, num_envs=num_envs)
            agent = make_agent("ppo", env, seed=seed, device=where).learn(interactions)
            found = evaluate(agent, scenario, n_episodes=_N_EVALUATED, seed=_OTHERS)
            of_seed[seed] = found.return_mean
    theirs, ours = returns.values()
    return paired_difference(theirs, ours)


def report(options: argparse.Namespace) -> Iterator[str]:
    """Yields the lines that are printed, as they are known."""
    from recsim_env.agents.networks.compute import device_of

    device = device_of(options.device).type
    yield f"{options.scenario} on {device}"
    if device == "cpu":
        yield "this tells nothing of a GPU: torch computes on the CPU"
    scenario = resolve_scenario(options.scenario)
    for num_envs in options.people:
        rate = device_rate(scenario, num_envs, device, seconds=options.seconds)
        yield (
            f"{num_envs:,} people: {rate.per_second:,.0f} interactions per second with learning, "
            f"{rate.simulated:.0%} of the time in the simulator, {rate.peak_mebibytes:,.0f} MiB"
        )
    if options.seeds < 2:
        return
    apart = beyond_cpu(
        scenario,
        device,
        num_envs=options.people[0],
        interactions=options.interactions,
        seeds=range(options.seeds),
    )
    yield (
        f"return after {options.interactions:,} interactions, less that of the CPU: "
        f"{apart.mean:.2f} [{apart.low:.2f}, {apart.high:.2f}], {apart.n} seeds"
    )


def main(arguments: Sequence[str] | None = None) -> None:
    """Prints the report that the command line asks for."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--scenario", default="ShortVideo")
    parser.add_argument("--device", default="auto", choices=("auto", "cuda", "cpu"))
    parser.add_argument("--people", type=int, nargs="+", default=[4_096, 16_384, 65_536])
    parser.add_argument("--seconds", type=float, default=20.0, help="of each number of people")
    parser.add_argument("--seeds", type=int, default=5, help="of the comparison; 1: none")
    parser.add_argument("--interactions", type=int, default=1_000_000, help="likewise")
    for line in report(parser.parse_args(arguments)):
        print(line, flush=True)


if __name__ == "__main__":
    main()
