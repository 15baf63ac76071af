"""How fast estimators of off-policy evaluation are, alone and beside Open Bandit Pipeline's.

Both are measured by CPU time, from the same arrays, one after the other in one run. What is counted
of ours is all: the checks of the log, the weights, what they look like, and the interval.
"""

from __future__ import annotations

import dataclasses
import json
import subprocess
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from recsim_env.ope.bandits import BANDIT_ESTIMATORS, ips
from recsim_env.ope.embeddings import mips, topic_weights
from recsim_env.ope.estimates import ValueEstimate
from recsim_env.ope.logged import LoggedActions, LoggedSlates, SlateProbabilities
from recsim_env.ope.plackett_luce import place_probabilities, prefix_probabilities
from recsim_env.ope.slates import SLATE_ESTIMATORS
from recsim_env.ope.uncertainty import Uncertainty

Arrays = dict[str, NDArray[Any]]
Estimator = Callable[[Uncertainty | None], ValueEstimate]

N_ACTIONS, SLATE_SIZE = 10, 3


def logs(n: int) -> tuple[LoggedActions, LoggedSlates]:
    """Returns a log of n choices, and one of n / 3 slates of three places, of random numbers."""
    rng = np.random.default_rng(0)
    actions = LoggedActions(
        reward=rng.uniform(size=n),
        propensity=0.05 + 0.9 * rng.uniform(size=n),
        target=rng.uniform(size=n),
        model_reward=rng.uniform(size=n),
        model_value=rng.uniform(size=n),
    )
    shape = max(n // SLATE_SIZE, 2), SLATE_SIZE
    place, prefix = 0.05 + 0.9 * rng.uniform(size=(2, *shape))
    target_place, target_prefix = rng.uniform(size=(2, *shape))
    slates = LoggedSlates(
        reward=rng.uniform(size=shape),
        propensity=SlateProbabilities(slate=prefix[:, -1].copy(), place=place, prefix=prefix),
        target=SlateProbabilities(
            slate=target_prefix[:, -1].copy(), place=target_place, prefix=target_prefix
        ),
        model_reward=rng.uniform(size=shape),
        model_value=rng.uniform(size=shape),
        pseudo_inverse_weight=rng.normal(1.0, 2.0, size=shape[0]),
    )
    return actions, slates


def estimator_seconds(n: int) -> Iterator[tuple[str, float]]:
    """Yields names and seconds of CPU time of all estimators of choices and slates at n rows."""
    actions, slates = logs(n)
    weights = np.random.default_rng(1).uniform(0.0, 2.0, n)
    calls: dict[str, Callable[[], ValueEstimate]] = {
        **{name: partial(_anew, each, actions) for name, each in BANDIT_ESTIMATORS.items()},
        "clipped-ips": partial(_anew, partial(ips, clip=2.0), actions),
        "mips": partial(mips, actions, weights),
        **{name: partial(each, slates) for name, each in SLATE_ESTIMATORS.items()},
    }
    for name, call in calls.items():
        start = time.process_time()
        call()
        yield name, time.process_time() - start


def _anew(estimator: Callable[..., ValueEstimate], log: LoggedActions) -> ValueEstimate:
    """Returns an estimate of the log checked again, without what was computed of it."""
    return estimator(dataclasses.replace(log))


def arrays_of(n: int, *, seed: int = 0) -> Arrays:
    """Returns n logged choices and n / 3 logged slates as arrays that obp's estimators take too.

    Legacy generators, of which NumPy promises that they never change, draw them.
    """
    rng = np.random.RandomState(seed)
    logging, target = (_softmax(rng.normal(size=(n, N_ACTIONS))) for _ in range(2))
    action = (rng.uniform(size=(n, 1)) > logging.cumsum(axis=1)[:, :-1]).sum(axis=1)
    found = {
        "logging": logging,
        "target": target,
        "action": action,
        "propensity": logging[np.arange(n), action],
        "expected": rng.uniform(size=(n, N_ACTIONS)),
        "reward": rng.binomial(1, 0.2 + 0.05 * action).astype(np.float64),
        "topics": np.arange(N_ACTIONS) % 4,
    }
    m = max(n // SLATE_SIZE, 2)
    slates = rng.uniform(size=(m, N_ACTIONS)).argsort(axis=1)[:, :SLATE_SIZE]
    found |= {
        "slates": slates,
        "slate_reward": rng.binomial(1, 0.4, size=(m, SLATE_SIZE)).astype(np.float64),
        "slate_model": rng.uniform(size=(m, SLATE_SIZE, N_ACTIONS)),
    }
    for policy in ("logging", "target"):
        logits = rng.normal(size=(m, N_ACTIONS))
        prefix, place = (
            prefix_probabilities(logits, slates),
            place_probabilities(logits, SLATE_SIZE),
        )
        at = np.arange(m)[:, None], np.arange(SLATE_SIZE), slates
        found[f"{policy}_prefix"], found[f"{policy}_place"] = prefix, place[at]
        found[f"{policy}_slate"] = np.repeat(prefix[:, -1:], SLATE_SIZE, axis=1)
    found["target_next"] = _next_probabilities(logits, slates)
    return found


def ours(arrays: Mapping[str, NDArray[Any]]) -> dict[str, Estimator]:
    """Returns our estimators of what obp has too, each from the arrays to the estimate."""

    def single(name: str, *, is_modelled: bool = True, **settings: Any) -> Estimator:
        each = BANDIT_ESTIMATORS[name]
        return lambda how: each(_actions(arrays, is_modelled), uncertainty=how, **settings)

    def slate(name: str, *, is_modelled: bool = False, **settings: Any) -> Estimator:
        each = SLATE_ESTIMATORS[name]
        return lambda how: each(_slates(arrays, is_modelled), uncertainty=how, **settings)

    def embedded(**settings: Any) -> Estimator:
        def call(how: Uncertainty | None) -> ValueEstimate:
            topics = arrays["topics"]
            shown = topics[arrays["action"]]
            weights = topic_weights(arrays["logging"], arrays["target"], topics, shown)
            return mips(_actions(arrays, False), weights, uncertainty=how, **settings)

        return call

    found = {
        "dm": single("dm"),
        "ips": single("ips", is_modelled=False),
        "clipped-ips": single("ips", is_modelled=False, clip=2.0),
        "snips": single("snips", is_modelled=False),
        "sub-gaussian-ips": single("sub-gaussian-ips", is_modelled=False, shrinkage=0.1),
        "dr": single("dr"),
        "sndr": single("sndr"),
        "switch-dr": single("switch-dr", threshold=2.0),
        "dros": single("dros", shrinkage=5.0),
        "mips": embedded(),
        "sn-mips": embedded(self_normalised=True),
        "cascade-dr": slate("cascade-dr", is_modelled=True),
    }
    for name in ("sips", "iips", "rips"):
        found[name] = slate(name)
        found[f"sn-{name}"] = slate(name, self_normalised=True)
    return found


def obp_run(python: str, arrays: Mapping[str, NDArray[Any]], n_resamples: int) -> dict[str, Any]:
    """Returns what obp's estimators return in another environment, and seconds of CPU time.

    Args:
      python: the Python of an environment that has obp.
      arrays: of `arrays_of`.
      n_resamples: of its bootstrap; 0 for no intervals.

    Raises:
      RuntimeError: it fails, with the last line that it says.
    """
    script = Path(__file__).with_name("obp_estimators.py")
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "arrays.npz"
        np.savez(path, **arrays)  # type: ignore[arg-type]  # mypy takes arrays for allow_pickle=
        command = [python, str(script), str(path), str(n_resamples)]
        done = subprocess.run(command, check=False, capture_output=True, text=True)
    if done.returncode:
        last = (done.stderr.strip().splitlines() or ["it says nothing"])[-1]
        raise RuntimeError(f"obp's estimators failed in {python}: {last}")
    found: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    return found


def seconds_beside_obp(python: str, n: int) -> Iterator[tuple[str, str, float, float]]:
    """Yields estimator, what it gives, and seconds of CPU time of ours and of obp's at n rows.

    Slates have no row with an interval, as obp's take hours for that.

    Raises:
      RuntimeError: as of `obp_run`, or an estimate differs.
    """
    n_resamples = 100
    arrays = arrays_of(n)
    theirs = obp_run(python, arrays, n_resamples)
    for name, estimator in ours(arrays).items():
        value, alone, with_interval = theirs[name]
        for what, settings, seconds in (
            ("value", Uncertainty(method="none"), alone),
            ("with interval", Uncertainty(n_resamples=n_resamples), with_interval),
        ):
            if seconds is None:
                continue
            start = time.process_time()
            found = estimator(settings).value
            yield name, what, time.process_time() - start, seconds
            if not np.isclose(found, value, rtol=1e-9, atol=0.0):
                raise RuntimeError(f"{name} is {found} here and {value} in obp")


def _actions(arrays: Mapping[str, NDArray[Any]], is_modelled: bool) -> LoggedActions:
    rows, action = np.arange(len(arrays["action"])), arrays["action"]
    model = None, None
    if is_modelled:
        value = np.einsum("na,na->n", arrays["target"], arrays["expected"])
        model = arrays["expected"][rows, action], value
    return LoggedActions(
        reward=arrays["reward"],
        propensity=arrays["propensity"],
        target=arrays["target"][rows, action],
        model_reward=model[0],
        model_value=model[1],
    )


def _slates(arrays: Mapping[str, NDArray[Any]], is_modelled: bool) -> LoggedSlates:
    propensity, target = (
        SlateProbabilities(
            slate=arrays[f"{policy}_prefix"][:, -1],
            place=arrays[f"{policy}_place"],
            prefix=arrays[f"{policy}_prefix"],
        )
        for policy in ("logging", "target")
    )
    log = LoggedSlates(reward=arrays["slate_reward"], propensity=propensity, target=target)
    if not is_modelled:
        return log
    model = arrays["slate_model"]
    return dataclasses.replace(
        log,
        model_reward=np.take_along_axis(model, arrays["slates"][:, :, None], axis=2)[:, :, 0],
        model_value=np.einsum("nka,nka->nk", model, arrays["target_next"]),
    )


def _next_probabilities(logits: NDArray[Any], slates: NDArray[Any]) -> NDArray[Any]:
    """Returns the probability of each action at each place, given those above, (m, places, n)."""
    left, found = logits.copy(), np.empty((*slates.shape, logits.shape[1]))
    for place, action in enumerate(slates.T):
        found[:, place] = _softmax(left)
        left[np.arange(len(left)), action] = -np.inf
    return found


def _softmax(logits: NDArray[Any]) -> NDArray[Any]:
    odds = np.exp(logits - logits.max(axis=1, keepdims=True))
    return np.asarray(odds / odds.sum(axis=1, keepdims=True))
