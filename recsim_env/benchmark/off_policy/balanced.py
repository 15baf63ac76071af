"""Logs of several policies, with the propensities of their mixture."""

import dataclasses
from collections.abc import Sequence

import numpy as np

from recsim_env.agents.core.slate_distribution import Propensities, shown_of
from recsim_env.benchmark.off_policy.policy_log import PolicyLog
from recsim_env.ope.checks import Floats

#: As near must the chances of a policy be to the propensities that it logged, as a share of them.
_NEAR = 1e-5


def balanced(log: PolicyLog, chances: Sequence[Propensities]) -> PolicyLog:
    """Returns a log of several policies with propensities of the mixture of all.

    Each slate of such a log comes with the propensity of the policy that showed it. Estimates by
    these are right, but vary wildly where one of the policies hardly ever shows what is judged.
    The mixture draws a policy for each session, as often as it wrote one; having shown s_1 … s_t-1
    there, it shows s_t with probability sum_j w_j p_j(s_t), where w_j is in proportion to the share
    of policy j times p_j(s_1) … p_j(s_t-1). In long sessions these tell whose it is, and little is
    gained.

    Args:
      log: of several policies.
      chances: of each of them, in the order of the log, how likely it shows what all logged; as it
        explored.

    Raises:
      ValueError: there are more or fewer policies, one did not write what it is said to have
        written, or had to be drawn too roughly to say so, or they take turns within a session.

    Source: Agarwal, Basu, Schnabel and Joachims 2017, "Effective evaluation using logged bandit
      feedback from multiple loggers" (balanced importance sampling).
    Differs: what was shown before in a session tells the policies apart.
    """
    names = log.about.get("policies", ["the logging policy"])
    if len(chances) != len(names):
        raise ValueError(
            f"the log is of {len(names)} policies, {', '.join(names)}, and {len(chances)} are "
            "named; name each, in this order"
        )
    policy = log.columns.get("policy", np.zeros(len(log), int))
    if not np.array_equal(policy, np.repeat(policy[log.starts], log.lengths)):
        raise ValueError("policies of the log take turns within a session; it needs one for each")
    for number, each in enumerate(chances):
        _check_wrote(log, policy == number, each, number, names)
    weights = _weights(log, np.stack([each.slate for each in chances]), policy)
    places = _mixed(weights, [each.places for each in chances])
    columns = dict(log.columns) | {
        "propensity": _mixed(weights, [each.slate for each in chances]),
        "prefix_propensity": _mixed(weights, [each.prefix for each in chances]),
        "place_propensity": shown_of(places, log["slate"]),
        "candidate_propensity": places,
    }
    return dataclasses.replace(log, columns=columns)


def _weights(log: PolicyLog, slate: Floats, policy: np.ndarray) -> Floats:
    """Returns how likely each policy has the session before each step, (n_policies, n)."""
    share = np.bincount(policy[log.starts], minlength=len(slate)) / len(log.starts)
    with np.errstate(divide="ignore"):
        logs, shares = np.log(slate), np.log(share)
    found = np.empty_like(logs)
    so_far = np.empty((len(slate), len(log.starts)))
    for step in range(int(log.lengths.max())):
        is_going = log.lengths > step
        rows = log.starts[is_going] + step
        before = shares[:, None] if step == 0 else so_far[:, is_going]
        found[:, rows] = before
        so_far[:, is_going] = before + logs[:, rows]
    odds = np.exp(found - found.max(axis=0))
    return np.asarray(odds / odds.sum(axis=0))


def _mixed(weights: Floats, parts: Sequence[Floats]) -> Floats:
    """Returns means of probabilities, (n, …), over policies."""
    shape = (-1, *[1] * (parts[0].ndim - 1))
    return np.asarray(sum(w.reshape(shape) * p for w, p in zip(weights, parts, strict=True)))


def _check_wrote(
    log: PolicyLog, rows: np.ndarray, chances: Propensities, number: int, names: Sequence[str]
) -> None:
    """Raises ValueError unless a policy has the propensities that were logged as its own.

    Those that were drawn may be off by five standard errors. Where most propensities are smaller
    than that, anybody's would do, which is refused, too.
    """
    name, room, logged = names[number], 5.0 * chances.error, log["propensity"]
    if rows.any() and room > np.median(logged[rows]):
        raise ValueError(
            f"chances of {name} are drawn, with a standard error up to {chances.error:.3g}; most "
            f"of its slates have smaller propensities than five times that, so that nothing shows "
            "whether it wrote them: draw more (on the command line, --draws), or leave out who "
            "wrote the log (--logged-by)"
        )
    off = rows & ~np.isclose(chances.slate, logged, rtol=_NEAR, atol=room)
    if off.any():
        row = int(np.argmax(off))
        raise ValueError(
            f"{name} showed the slate of row {row} with propensity {logged[row]:.6g}, "
            f"and the policy that is named for it would with {chances.slate[row]:.6g} "
            f"({int(off.sum()):,} such rows); name those that wrote the log, in its order: "
            f"{', '.join(names)}"
        )
