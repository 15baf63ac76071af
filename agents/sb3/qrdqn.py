"""Deep Q-learning over slates with quantiles of the return."""

from collections.abc import Mapping
from typing import Any, ClassVar

from recsim_env.agents.sb3.dqn import DQNAgent


class QRDQNAgent(DQNAgent):
    """Estimates how the return of every slate is distributed, and shows the one of best mean.

    Idea: the whole distribution says more than its mean, and what is rare does not drown the rest.
    Update: as `DQNAgent`, with n quantiles theta_1, ..., theta_n of the return instead of Q, at
      levels (2 i - 1) / 2n: by the quantile regression Huber loss
      sum_i mean_j |level_i - [d_ij < 0]| huber(d_ij), d_ij = r + gamma theta'_j(o', s') - theta_i,
      s' the slate of best mean. Slates have quantiles as they have values: those of a slate of
      average candidates and what items add to each (`SlateValues`).
    Cost: as `DQNAgent`, and n_quantiles² comparisons for each kept step of a batch.
    Source: Dabney et al. 2018, "Distributional reinforcement learning with quantile regression"
      (arXiv 1710.10044); the loss is sb3-contrib's.
    Differs: as `DQNAgent`; a slate's quantiles are means over its choices, though the quantiles of
      a mixture are not quite that.

    Settings: n_quantiles (16); others as in `SlateValueAgent`.
    """

    defaults: ClassVar[Mapping[str, Any]] = {**DQNAgent.defaults, "n_quantiles": 16}

    def check_settings(self) -> None:
        """Raises ValueError for a setting out of range."""
        super().check_settings()
        self.require("n_quantiles", self.settings["n_quantiles"] >= 1, "1 or more")

    def model_class(self) -> Any:
        """Returns the class of the model."""
        from recsim_env.agents.sb3.slate_dqn import SlateQRDQN

        return SlateQRDQN

    def make_network(self, space: Any) -> Any:
        """Returns fresh `SlateValues` of several quantiles."""
        from recsim_env.agents.sb3.slate_values import SlateValues

        return SlateValues(
            space,
            slate_size=self.slate_size,
            width=self.settings["width"],
            n_quantiles=self.settings["n_quantiles"],
        )
