"""Which form of actions suits which algorithm: trains each, and writes rows.csv and the page.

    python docs/results/action-forms/measure.py          # goes on where it was left
    python docs/results/action-forms/measure.py --page   # the page alone, from the rows

Takes about a quarter of an hour of one core.
"""

import argparse
import csv
import statistics
import warnings
from collections.abc import Callable
from pathlib import Path
from typing import Any

import gymnasium
import torch
from sb3_contrib import QRDQN, TQC
from stable_baselines3 import A2C, DQN, PPO, SAC
from stable_baselines3.common.evaluation import evaluate_policy
from stable_baselines3.common.vec_env import VecMonitor, VecNormalize

from recsim_env.agents import make_agent
from recsim_env.agents.frameworks.sb3 import (
    CandidatePolicy,
    CandidateQPolicy,
    CandidateQuantilePolicy,
    CandidateWeightPolicy,
)
from recsim_env.envs.sb3 import VecEnvAdapter
from recsim_env.envs.wrappers import (
    enumerate_slates,
    point_at_items,
    score_candidates,
    weigh_features,
)
from recsim_env.results.intervals import estimate

FOLDER = Path(__file__).parent
ROWS, PAGE = FOLDER / "rows.csv", FOLDER.parent.parent / "action-forms.md"
COLUMNS = ("scenario", "form", "algorithm", "policy", "seed", "return")

#: Of each scenario, the best reference and the forms that are tried there.
SCENARIOS = {
    "InterestEvolution": ("oracle", ("slates", "numbers", "scores", "points", "weights")),
    "LongTermSatisfaction": ("far_sighted", ("slates",)),
}
SEEDS, N_STEPS, N_EPISODES, PEOPLE = (0, 1, 2), 12_000, 200, 10_000

Form = Callable[[Any], Any]
FORMS: dict[str, Form] = {
    "slates": lambda env: env,
    "numbers": lambda env: enumerate_slates(env, ordered=False),
    "scores": score_candidates,
    "points": point_at_items,
    "weights": weigh_features,
}

ROLLOUT = {"n_steps": 128, "batch_size": 256}
REPLAY = {
    "buffer_size": N_STEPS,
    "learning_starts": 1_000,
    "learning_rate": 1e-3,
    "batch_size": 128,
    "train_freq": 1,
    "gradient_steps": 1,
    "gamma": 0.95,
}
VALUES = REPLAY | {"exploration_fraction": 0.3, "target_update_interval": 500}
POINTS = REPLAY | {"ent_coef": "auto_0.1"}
STOCK: dict[str, Any] = {
    "PPO": (PPO, ROLLOUT),
    "A2C": (A2C, {"n_steps": 8}),
    "DQN": (DQN, VALUES),
    "QRDQN": (QRDQN, VALUES),
    "SAC": (SAC, POINTS),
    "TQC": (TQC, POINTS),
}
#: Networks of all policies are as small as that of PPO's stock policy.
SMALL = {
    "QRDQN": {"n_quantiles": 16},
    "SAC": {"net_arch": [64, 64]},
    "TQC": {"net_arch": [64, 64]},
}

#: Which algorithms are tried on each form with their stock policies, and which with ours.
TRIED: dict[str, tuple[tuple[str, ...], dict[str, Any]]] = {
    "slates": (("PPO", "A2C"), {"PPO": CandidatePolicy, "A2C": CandidatePolicy}),
    "numbers": (
        ("PPO", "DQN", "QRDQN"),
        {"DQN": CandidateQPolicy, "QRDQN": CandidateQuantilePolicy},
    ),
    "scores": (("PPO", "SAC"), {}),
    "points": (("TQC",), {}),
    "weights": (("PPO", "SAC"), {"SAC": CandidateWeightPolicy}),
}


def people(scenario: str, num_envs: int, form: str) -> VecEnvAdapter:
    """Returns people who are shown what actions of a form mean."""
    env = gymnasium.make_vec(
        f"recsim_env:recsim_env/{scenario}-v0", num_envs, autoreset_mode="SameStep"
    )
    return VecEnvAdapter(FORMS[form](env))


def mean_return(model: Any, scenario: str, form: str) -> float:
    """Returns what a session earns under the best slates that a model knows, the same people."""
    env = people(scenario, 100, form)
    env.seed(PEOPLE)
    returns, _ = evaluate_policy(
        model, VecMonitor(env), n_eval_episodes=N_EPISODES, return_episode_rewards=True
    )
    return float(statistics.fmean(returns))


def trained(scenario: str, form: str, algorithm: str, policy: str, seed: int) -> Any:
    """Returns a model of Stable-Baselines3."""
    kind, settings = STOCK[algorithm]
    chosen: Any = TRIED[form][1][algorithm] if policy == "ours" else "MultiInputPolicy"
    network = dict(SMALL.get(algorithm, {}))
    env = people(scenario, 16, form)
    scaled = VecNormalize(env, norm_obs=False, gamma=0.95)  # values near 1 are soon learned
    model = kind(chosen, scaled, policy_kwargs=network, seed=seed, device="cpu", **settings)
    return model.learn(N_STEPS)


def reference(scenario: str, name: str) -> float:
    """Returns what a session earns under an agent that learns nothing."""
    env = gymnasium.make_vec(f"recsim_env:recsim_env/{scenario}-v0", 100, autoreset_mode="SameStep")
    agent, adapter = make_agent(name, env, seed=0), VecEnvAdapter(env, keep_ids=True)
    adapter.seed(PEOPLE)
    returns, _ = evaluate_policy(
        agent, VecMonitor(adapter), n_eval_episodes=N_EPISODES, return_episode_rewards=True
    )
    return float(statistics.fmean(returns))


def plan() -> list[tuple[str, str, str, str, int]]:
    """Returns what is to be measured, of each scenario a seed of everything before the next."""
    found: list[tuple[str, str, str, str, int]] = []
    for scenario, (best, forms) in SCENARIOS.items():
        found += [(scenario, "", name, "reference", 0) for name in ("uniform", best)]
        for seed in SEEDS:
            for form in forms:
                stock, ours = TRIED[form]
                found += [(scenario, form, name, "stock", seed) for name in stock]
                found += [(scenario, form, name, "ours", seed) for name in ours]
    return found


def measure() -> None:
    """Adds the rows that are missing."""
    is_new = not ROWS.exists()
    known = set() if is_new else {tuple(row.values())[:-1] for row in rows()}
    with ROWS.open("a", newline="") as file:
        writer = csv.writer(file, lineterminator="\n")
        if is_new:
            writer.writerow(COLUMNS)
        for scenario, form, name, policy, seed in plan():
            if (scenario, form, name, policy, str(seed)) in known:
                continue
            if policy == "reference":
                value = reference(scenario, name)
            else:
                value = mean_return(trained(scenario, form, name, policy, seed), scenario, form)
            writer.writerow((scenario, form, name, policy, seed, f"{value:.2f}"))
            file.flush()


def rows() -> list[dict[str, str]]:
    """Returns the rows that are there."""
    with ROWS.open(newline="") as file:
        return list(csv.DictReader(file))


def table() -> str:
    """Returns the table of the page, from the rows."""
    cells: dict[tuple[str, str, str], dict[str, list[float]]] = {}
    for row in rows():
        key = row["form"], row["algorithm"], row["policy"]
        cells.setdefault(key, {}).setdefault(row["scenario"], []).append(float(row["return"]))
    lines = [
        f"| actions | algorithm | policy | {' | '.join(f'`{name}`' for name in SCENARIOS)} |",
        f"|---|---|---|{'---|' * len(SCENARIOS)}",
    ]
    for (form, algorithm, policy), returns in sorted(cells.items(), key=_place):
        told = [_told(returns.get(scenario, []), policy) for scenario in SCENARIOS]
        lines.append(f"| {form or '–'} | {algorithm} | {policy} | {' | '.join(told)} |")
    return "\n".join(lines)


def _place(item: Any) -> tuple[int, int]:
    """Returns where a line stands: the references first, then by form, as the plan has them."""
    form, algorithm, policy = item[0]
    place = list(STOCK).index(algorithm) if algorithm in STOCK else -1
    return (list(FORMS).index(form) if form else -1), 2 * place + (policy == "ours")


def _told(returns: list[float], policy: str) -> str:
    if not returns:
        return "–"
    found = estimate(returns)
    if policy == "reference" or not found.has_interval:
        return f"{found.mean:,.0f}"
    return f"{found.mean:,.0f} [{found.low:,.0f}, {found.high:,.0f}]"


def write_page() -> None:
    """Puts the table into the page, between its marks."""
    begin, end = "<!-- table -->", "<!-- /table -->"
    text = PAGE.read_text(encoding="utf-8")
    before, after = text.partition(begin)[0], text.partition(end)[2]
    PAGE.write_text(f"{before}{begin}\n{table()}\n{end}{after}", encoding="utf-8")


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--page", action="store_true", help="write the page alone")
    torch.set_num_threads(1)
    warnings.filterwarnings("ignore", module="stable_baselines3|sb3_contrib")
    if not parser.parse_args().page:
        measure()
    write_page()
