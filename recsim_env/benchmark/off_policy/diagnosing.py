"""What the importance weights of a policy look like in a log, and what clips make of them."""

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


def described_weights(found: WeightDiagnostics) -> str:
    """Returns diagnostics of weights in a line."""
    by_context = found.effective_by_context or {}
    parts = [f"mean {found.mean:.3f} ± {found.mean_error:.3f}"]
    least = f", {min(by_context.values()):.0%} at least in any kind of moment" if by_context else ""
    parts.append(f"{found.effective_sample_size:,.0f} effective of {found.n:,}{least}")
    parts.append(f"heaviest 1 % of rows carry {found.top_share:.0%}")
    if found.tail == found.tail:
        parts.append(f"tail {found.tail:.2f}")
    if found.unsupported == found.unsupported:
        parts.append(f"{found.unsupported:.1%} of choices never logged")
    return "; ".join(parts)
