"""What agents would have earned, by a log: estimates, diagnostics, and the truth beside them."""

from recsim_env.benchmark.off_policy.estimating import judge
from recsim_env.benchmark.off_policy.exchange import (
    mdp_columns,
    minari_dataset,
    obp_feedback,
    scope_rl_dataset,
)
from recsim_env.benchmark.off_policy.open_bandit import from_obp, read_open_bandit
from recsim_env.benchmark.off_policy.policy_log import PolicyLog
from recsim_env.benchmark.off_policy.targets import chances_of, target_chances, uniform_chances
from recsim_env.benchmark.off_policy.truth import true_values

__all__ = [
    "PolicyLog",
    "chances_of",
    "from_obp",
    "judge",
    "mdp_columns",
    "minari_dataset",
    "obp_feedback",
    "read_open_bandit",
    "scope_rl_dataset",
    "target_chances",
    "true_values",
    "uniform_chances",
]
