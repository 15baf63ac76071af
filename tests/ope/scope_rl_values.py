"""Writes scope_rl_values.json: what SCOPE-RL's estimators return of fixed arrays.

    PYTHON tests/ope/scope_rl_values.py

where PYTHON is that of an environment with scope-rl 0.2.1 (installed without dependencies), numpy,
scipy and scikit-learn, which needs none of our packages. The tests compare our estimators with it,
and need no scope-rl.
"""

import importlib.util
import json
import sys
import types
from pathlib import Path

import numpy as np

N_SESSIONS, N_STEPS, N_ACTIONS, GAMMA = 60, 4, 3, 0.9
VALUES = Path(__file__).with_suffix(".json")

#: SCOPE-RL's names of what we call otherwise.
NAMES = {
    "fqe": "DirectMethod",
    "tis": "TrajectoryWiseImportanceSampling",
    "sn-tis": "SelfNormalizedTIS",
    "pdis": "PerDecisionImportanceSampling",
    "sn-pdis": "SelfNormalizedPDIS",
    "seq-dr": "DoublyRobust",
    "sn-seq-dr": "SelfNormalizedDR",
}


def arrays():
    """Returns logged sessions, all as long, by SCOPE-RL's names.

    Legacy generators, of which NumPy promises that they never change, draw them.
    """
    rng, n = np.random.RandomState(0), N_SESSIONS * N_STEPS
    logging, target = (rng.dirichlet(np.full(N_ACTIONS, 5.0), n) for _ in range(2))
    action = (rng.uniform(size=(n, 1)) > logging.cumsum(axis=1)[:, :-1]).sum(axis=1)
    return {
        "action": action,
        "reward": rng.normal(1.0, 1.0, n),
        "pscore": logging[np.arange(n), action],
        "evaluation_policy_action_dist": target,
        "state_action_value_prediction": rng.normal(1.0, 1.0, (n, N_ACTIONS)),
    }


def _estimators():
    """Returns SCOPE-RL's module of estimators, without what only other parts of it need."""
    (folder,) = importlib.util.find_spec("scope_rl").submodule_search_locations
    for name in ("gym", "d3rlpy", "d3rlpy.preprocessing", "scope_rl.ope", "scope_rl.ope.discrete"):
        module = types.ModuleType(name)
        module.__path__ = [f"{folder}/{name.removeprefix('scope_rl.').replace('.', '/')}"]
        sys.modules[name] = module
    sys.modules["gym"].Env = sys.modules["d3rlpy.preprocessing"].ActionScaler = object
    return importlib.import_module("scope_rl.ope.discrete.basic_estimators")


if __name__ == "__main__":
    module, given = _estimators(), arrays()
    found = {
        ours: float(
            getattr(module, theirs)().estimate_policy_value(
                step_per_trajectory=N_STEPS, gamma=GAMMA, **given
            )
        )
        for ours, theirs in NAMES.items()
    }
    VALUES.write_text(json.dumps(found, indent=1) + "\n", encoding="utf-8")
