"""What agents would have earned, by a log: estimates, diagnostics, and the truth beside them."""

from recsim_env.benchmark.off_policy.estimating import judge
from recsim_env.benchmark.off_policy.policy_log import PolicyLog
from recsim_env.benchmark.off_policy.targets import target_chances
from recsim_env.benchmark.off_policy.truth import true_values

__all__ = ["PolicyLog", "judge", "target_chances", "true_values"]
