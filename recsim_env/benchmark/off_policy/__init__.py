"""What agents would have earned, by a log: estimates, diagnostics, and the truth beside them."""

from recsim_env.benchmark.off_policy.as_mdp import (
    from_mdp,
    from_scope_rl,
    mdp_columns,
    scope_rl_dataset,
)
from recsim_env.benchmark.off_policy.as_minari import from_minari, minari_dataset
from recsim_env.benchmark.off_policy.as_obp import from_obp, obp_feedback
from recsim_env.benchmark.off_policy.balanced import balanced
from recsim_env.benchmark.off_policy.estimated import with_estimated_propensities
from recsim_env.benchmark.off_policy.estimating import judge
from recsim_env.benchmark.off_policy.exchange import read_log
from recsim_env.benchmark.off_policy.open_bandit import read_open_bandit
from recsim_env.benchmark.off_policy.policy_log import PolicyLog
from recsim_env.benchmark.off_policy.replayed import replayed
from recsim_env.benchmark.off_policy.table_log import read_table_log
from recsim_env.benchmark.off_policy.targets import chances_of, target_chances, uniform_chances
from recsim_env.benchmark.off_policy.truth import true_values

__all__ = [
    "PolicyLog",
    "balanced",
    "chances_of",
    "from_mdp",
    "from_minari",
    "from_obp",
    "from_scope_rl",
    "judge",
    "mdp_columns",
    "minari_dataset",
    "obp_feedback",
    "read_log",
    "read_open_bandit",
    "read_table_log",
    "replayed",
    "scope_rl_dataset",
    "target_chances",
    "true_values",
    "uniform_chances",
    "with_estimated_propensities",
]
