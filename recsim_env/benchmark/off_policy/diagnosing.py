"""What the importance weights of a policy look like in a log, and what clips make of them."""

import math

from recsim_env.agents.core.slate_distribution import Propensities
from recsim_env.benchmark.off_policy.asked import Asked
from recsim_env.benchmark.off_policy.features import SlateFeatures
from recsim_env.benchmark.off_policy.policy_log import PolicyLog
from recsim_env.ope import WeightDiagnostics
from recsim_env.ope.clipping import ClippedEstimate, clipping_curve


def diagnosed(
    log: PolicyLog, target: Propensities, features: SlateFeatures | None = None
) -> tuple[WeightDiagnostics, tuple[ClippedEstimate, ...]]:
    """Returns what the weights of whole slates look like, and the clipping curve of their reward.

    Args:
      log: of other policies.
      target: how likely the policy shows what was logged.
      features: of the log; by default they are made.
    """
    actions = Asked(log, target, features or SlateFeatures(log), None, None).choices
    return actions.diagnostics, clipping_curve(actions)


def described_weights(found: WeightDiagnostics) -> tuple[str, str]:
    """Returns diagnostics of weights in two lines."""
    by_context = found.effective_by_context or {}
    least = f" ({min(by_context.values()):.0%} at least in each kind of moment)"
    first = f"mean {found.mean:.3f} ± {found.mean_error:.3f}; {found.effective_sample_size:,.0f}"
    first += f" effective of {found.n:,}{least if by_context else ''}"
    parts = [f"the heaviest 1 % of rows carry {found.top_share:.0%} of the weight"]
    if not math.isnan(found.tail):
        parts.append(f"tail {found.tail:.2f}")
    if not math.isnan(found.unsupported):
        parts.append(f"{found.unsupported:.1%} of choices never logged")
    return first, "; ".join(parts)
