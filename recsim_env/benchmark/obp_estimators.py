"""Open Bandit Pipeline's estimators on given arrays: what they return, and how long they take.

Run by path with the Python of an environment that has obp: `python obp_estimators.py ARRAYS.npz
N_RESAMPLES` prints JSON, name to [value, seconds of CPU time, the same with an interval or null].
Nothing of this package is imported, and of obp only its estimators: its policies want more.
"""

import importlib.util
import json
import sys
import time
import types
from typing import Any

import numpy as np


def _estimators() -> tuple[Any, Any, Any]:
    """Returns obp's modules of estimators, without what only other parts of obp need."""
    found = importlib.util.find_spec("obp")
    if found is None or not found.submodule_search_locations:
        raise ImportError("this environment has no obp; install it there: pip install obp")
    (folder,) = found.submodule_search_locations
    for name, place in (("obp", folder), ("obp.ope", f"{folder}/ope")):
        module: Any = types.ModuleType(name)
        module.__path__ = [place]
        sys.modules[name] = module
    if importlib.util.find_spec("torch") is None:  # named in checks of tensors alone
        torch: Any = types.ModuleType("torch")
        torch.Tensor, torch.tensor = type("Tensor", (), {}), None
        sys.modules["torch"] = torch
    from obp.ope import estimators, estimators_embed, estimators_slate

    return estimators, estimators_embed, estimators_slate


def main(path: str, n_resamples: int) -> None:
    """Prints what obp's estimators return of the arrays in a file."""
    single, embed, slate = _estimators()
    with np.load(path) as file:
        arrays = dict(file)
    found = {}
    for name, estimator, inputs in [
        *_single(single, arrays),
        *_embedded(embed, arrays),
        *_slates(slate, arrays),
    ]:
        start = time.process_time()
        value = float(estimator.estimate_policy_value(**inputs))
        seconds = time.process_time() - start
        with_interval = None
        if "slate_id" not in inputs and n_resamples:
            start = time.process_time()
            estimator.estimate_policy_value(**inputs)
            more = {"n_bootstrap_samples": n_resamples, "random_state": 0}
            estimator.estimate_interval(**inputs, **more)
            with_interval = time.process_time() - start
        found[name] = [value, seconds, with_interval]
    print(json.dumps(found))


def _single(module: Any, arrays: dict[str, Any]) -> list[tuple[str, Any, dict[str, Any]]]:
    logged = {name: arrays[name] for name in ("reward", "action")} | {
        "pscore": arrays["propensity"],
        "action_dist": arrays["target"][:, :, None],
        "estimated_rewards_by_reg_model": arrays["expected"][:, :, None],
    }
    return [
        (name, estimator, logged)
        for name, estimator in (
            ("dm", module.DirectMethod()),
            ("ips", module.InverseProbabilityWeighting()),
            ("clipped-ips", module.InverseProbabilityWeighting(lambda_=2.0)),
            ("snips", module.SelfNormalizedInverseProbabilityWeighting()),
            ("sub-gaussian-ips", module.SubGaussianInverseProbabilityWeighting(lambda_=0.1)),
            ("dr", module.DoublyRobust()),
            ("sndr", module.SelfNormalizedDoublyRobust()),
            ("switch-dr", module.SwitchDoublyRobust(lambda_=2.0)),
            ("dros", module.DoublyRobustWithShrinkage(lambda_=5.0)),
        )
    ]


def _embedded(module: Any, arrays: dict[str, Any]) -> list[tuple[str, Any, dict[str, Any]]]:
    n, n_actions = arrays["target"].shape
    topics = arrays["topics"]
    likelihood = (topics[:, None] == np.arange(topics.max() + 1)).astype(float)[:, :, None]
    inputs = {
        "reward": arrays["reward"],
        "action": arrays["action"],
        "action_embed": topics[arrays["action"]][:, None],
        "pi_b": arrays["logging"][:, :, None],
        "action_dist": arrays["target"][:, :, None],
        "p_e_a": likelihood,
        "position": np.zeros(n, dtype=int),
    }
    plain = module.MarginalizedInverseProbabilityWeighting(n_actions=n_actions)
    normalised = module.SelfNormalizedMarginalizedInverseProbabilityWeighting(n_actions=n_actions)
    # Its intervals of these take another path, which wants a classifier of actions.
    return [("mips", plain, inputs), ("sn-mips", normalised, inputs)]


def _slates(module: Any, arrays: dict[str, Any]) -> list[tuple[str, Any, dict[str, Any]]]:
    n, size = arrays["slate_reward"].shape
    common = {
        "slate_id": np.repeat(np.arange(n), size),
        "position": np.tile(np.arange(size), n),
        "reward": arrays["slate_reward"].ravel(),
        "action": arrays["slates"].ravel(),
    }
    found = []
    for kind, suffix, name in (
        ("slate", "", "StandardIPS"),
        ("place", "_item_position", "IndependentIPS"),
        ("prefix", "_cascade", "RewardInteractionIPS"),
    ):
        inputs = common | {
            f"pscore{suffix}": arrays[f"logging_{kind}"].ravel(),
            f"evaluation_policy_pscore{suffix}": arrays[f"target_{kind}"].ravel(),
        }
        short = {"slate": "sips", "place": "iips", "prefix": "rips"}[kind]
        found.append((short, getattr(module, f"Slate{name}")(len_list=size), inputs))
        normalised = getattr(module, f"SelfNormalizedSlate{name}")(len_list=size)
        found.append((f"sn-{short}", normalised, inputs))
    n_actions = arrays["slate_model"].shape[2]
    cascade = module.SlateCascadeDoublyRobust(len_list=size, n_unique_action=n_actions)
    model = {
        "q_hat": arrays["slate_model"].ravel(),
        "evaluation_policy_action_dist": arrays["target_next"].ravel(),
    }
    return [*found, ("cascade-dr", cascade, inputs | model)]


if __name__ == "__main__":
    main(sys.argv[1], int(sys.argv[2]))
