"""A network's last layer, known as well as a linear model is: doubt where it is cheap to have."""

from collections.abc import Mapping
from itertools import pairwise
from typing import Any, ClassVar

import numpy as np

from recsim_env.agents.bandits.linear_posterior import LinearPosterior
from recsim_env.agents.core.features import CONTEXT_FIELDS, JointFeatures
from recsim_env.agents.core.fitted import FittedAgent
from recsim_env.agents.core.optional import extra
from recsim_env.agents.core.restoring import State, fits, require_range, taken
from recsim_env.agents.core.transition import Observation, Transition
from recsim_env.envs import RecommendationVectorEnv

# Inputs that hardly vary are left out; others are shown in units of their standard deviation.
_MIN_DEVIATION = 1e-6

_LAYOUT = {
    "weight_0": "f D H",
    "bias_0": "f H",
    "weight_1": "f H Z",
    "bias_1": "f Z",
    "weight_2": "f Z 1",
    "bias_2": "f 1",
    "centre": "f D",
    "deviation": "f D",
    "mean": "f Z+1",
    **{name: "f" for name in ("reward_scale", "count", "squares")},
}

_LAYERS = ("weight_0", "bias_0", "weight_1", "bias_1", "weight_2", "bias_2")


class NeuralLinear(FittedAgent):
    """Shows what is best under a draw of the last layer of a network, the rest taken as known.

    Idea: a network finds the features, and a Bayesian linear model on top knows what it knows.
    Update: a network of two hidden layers, z(g, f) the last of them, is trained every `refit_every`
      interactions to predict rewards: `gradient_steps` steps of AdamW on batches of the whole log,
      from where it stood, squared errors weighed by c, how likely a place was looked at. Then, and
      with every batch until the next fit, with x = (1, z) and r in units of its deviation in the
      log: A = ridge I + sum c x xᵀ, b = sum c r x, m = A⁻¹ b, and

        sigma² ~ InverseGamma(noise_shape + sum c / 2, noise_scale + (sum c r² - mᵀ A m) / 2),
        w ~ N(m, sigma² A⁻¹), once for every decision; score = w·x.

    Cost: a fit takes O(gradient_steps batch_size) passes, and one of the log; a decision one pass
      of C candidates. About 4 s for 20,000 interactions of music.
    Source: Riquelme, Tucker and Snoek 2018, "Deep Bayesian bandits showdown": NeuralLinear, with
      its prior (ridge 0.25, noise 6 and 6).
    Differs: one network and last layer for all items, which enter by their features; uniform slates
      until the first fit; inputs are standardised; weights decay, the learning rate does not. Of an
      item that the network does not yet tell from others, the shared last layer has no doubt of its
      own: where few items are rich and rare, as on the wheel, it may give them up too soon.

    Settings:
      hidden, features: sizes of the hidden layers; `features` is that of z (64, 32).
      gradient_steps, batch_size, learning_rate: of a fit (100, 512, 0.003).
      weight_decay: each step shrinks weights by it times the learning rate (3; at 0, ten thousand
        steps of music are learned by heart: 37 minutes a session instead of 45).
      ridge, noise_shape, noise_scale: the prior (0.25, 6, 6).
      context: False leaves `context` and `history` out of g (True).
      refit_every, exploration: see `FittedAgent` (1,000, 0).
    """

    defaults: ClassVar[Mapping[str, Any]] = {
        "refit_every": 1_000,
        "exploration": 0.0,
        "hidden": 64,
        "features": 32,
        "gradient_steps": 100,
        "batch_size": 512,
        "learning_rate": 0.003,
        "weight_decay": 3.0,
        "ridge": 0.25,
        "noise_shape": 6.0,
        "noise_scale": 6.0,
        "context": True,
    }
    logged_fields = (*CONTEXT_FIELDS, "candidates")
    draws_slates = "scores"
    infinite = ("model.deviation",)
    requires = ("item features",)

    def __init__(self, env: RecommendationVectorEnv, *, seed: int = 0, **settings: Any) -> None:
        super().__init__(env, seed=seed, **settings)
        for name in ("hidden", "features", "gradient_steps", "batch_size"):
            self.require(name, self.settings[name] >= 1, "at least 1")
        for name in ("learning_rate", "ridge", "noise_shape", "noise_scale"):
            self.require(name, self.settings[name] > 0, "more than 0")
        self.require("weight_decay", self.settings["weight_decay"] >= 0, "0 or more")
        self._joint = JointFeatures(
            self.env.scenario, max_features=0, context=self.settings["context"]
        )
        extra("torch", needed_by="NeuralLinear")

    # Acting ---------------------------------------------------------------------------------------

    def scores(self, observation: Observation, state: Any, *, deterministic: bool) -> np.ndarray:
        """Returns the rewards under drawn weights, or where `deterministic` under their mean."""
        if not self.model:
            return super().scores(observation, state, deterministic=deterministic)
        x = self._last_layer(observation, observation["candidates"])
        posterior = self._posterior
        if deterministic:
            return np.asarray(x @ posterior.mean)
        noise = np.sqrt(self._noise_scale() / self.rng.gamma(self._noise_shape(), size=len(x)))
        weights = posterior.draw(self.rng, len(x), scale=noise)
        return np.asarray(np.matmul(x, weights[:, :, None])[:, :, 0])

    def fitted_scores(self, observation: Observation, state: Any) -> np.ndarray:
        """Returns the mean rewards."""
        return self.scores(observation, state, deterministic=True)

    def _noise_shape(self) -> float:
        return float(self.settings["noise_shape"] + self.model["count"] / 2.0)

    def _noise_scale(self) -> float:
        posterior = self._posterior
        explained = posterior.mean @ posterior.moment
        unexplained = max(0.0, float(self.model["squares"] - explained))
        return float(self.settings["noise_scale"] + unexplained / 2.0)

    # Learning -------------------------------------------------------------------------------------

    def update(self, feedback: Transition) -> None:
        """Adds to the log, and to the posterior unless that was just fitted to the log."""
        super().update(feedback)
        seen = feedback.examination_probability > 0
        if self.model and self._n_unfitted:
            x = self._last_layer(feedback.observation, feedback.shown("candidates"))
            self._observe(
                x[seen], feedback.place_rewards[seen], feedback.examination_probability[seen]
            )

    def fit(self) -> dict[str, np.ndarray]:
        """Returns the trained network, and the posterior of its last layer given the log."""
        observation = {name: self.log[name] for name in self.log.fields}
        items = self.log["candidates"][:, None]
        inputs = self._inputs(observation, items)[:, 0]
        rewards, weights = (
            self.log["reward"].astype(float),
            self.log["examination_probability"].astype(float),
        )
        deviation = inputs.std(axis=0)
        model = self.model or self._fresh_network(inputs.shape[1])
        model = {name: model[name] for name in _LAYERS}
        model["centre"] = inputs.mean(axis=0)
        model["deviation"] = np.where(deviation > _MIN_DEVIATION, deviation, np.inf)
        model["reward_scale"] = np.array(max(float(rewards.std()), _MIN_DEVIATION))
        standard = (inputs - model["centre"]) / model["deviation"]
        rng = np.random.default_rng([self.seed, len(rewards)])
        model |= _trained(
            model, standard, rewards / model["reward_scale"], weights, self.settings, rng
        )
        posterior = LinearPosterior.prior(
            1 + self.settings["features"], ridge=self.settings["ridge"]
        )
        model |= posterior.state_dict()
        model |= {"count": np.zeros(()), "squares": np.zeros(())}
        self.model = model
        seen = weights > 0
        x = self._last_layer(observation, items)[:, 0]
        self._observe(x[seen], rewards[seen], weights[seen])
        return model

    def check_model(self, model: Mapping[str, np.ndarray]) -> None:
        """Raises ValueError unless a model could be of the log, by its shapes."""
        n_inputs = self.log.n_columns["F"] + self._joint.n_people - 1
        deviation = np.where(np.isinf(taken(model, "deviation")), 1.0, model["deviation"])
        fits({**model, "deviation": deviation}, _LAYOUT, {"D": n_inputs})
        posterior = LinearPosterior.prior(len(model["mean"]), ridge=self.settings["ridge"])
        posterior.load_state_dict({name: model[name] for name in posterior.state_dict()})
        for name in ("reward_scale", "count", "squares"):
            require_range(name, model[name], low=0.0)

    def load_state_dict(self, state: State) -> None:
        """Takes back what `state_dict` returned, as a copy: the posterior changes in place."""
        super().load_state_dict(state)
        self.model = {name: value.copy() for name, value in self.model.items()}

    @property
    def _posterior(self) -> LinearPosterior:
        names = ("precision", "moment", "covariance", "mean", "n_corrections")
        return LinearPosterior(self.settings["ridge"], **{name: self.model[name] for name in names})

    def _observe(self, x: np.ndarray, rewards: np.ndarray, weights: np.ndarray) -> None:
        """Adds observations to the posterior, x being (1, z)."""
        rewards = rewards / self.model["reward_scale"]
        self._posterior.add(x, rewards, weights)
        self.model["count"] += weights.sum()
        self.model["squares"] += weights @ rewards**2

    def _inputs(self, observation: Observation, items: np.ndarray) -> np.ndarray:
        """Returns (g, f) of items, (n, n_items, n_inputs)."""
        people = self._joint.people(observation)[:, 1:]
        shape = (*items.shape[:2], people.shape[1])
        return np.concatenate([np.broadcast_to(people[:, None], shape), items], axis=2)

    def _last_layer(self, observation: Observation, items: np.ndarray) -> np.ndarray:
        """Returns (1, z) of items, (n, n_items, 1 + features)."""
        model = self.model
        values = (self._inputs(observation, items) - model["centre"]) / model["deviation"]
        for layer in (0, 1):
            values = np.maximum(values @ model[f"weight_{layer}"] + model[f"bias_{layer}"], 0.0)
        return np.concatenate([np.ones((*values.shape[:2], 1)), values], axis=2)

    def _fresh_network(self, n_inputs: int) -> dict[str, np.ndarray]:
        """Returns layers drawn as He et al. 2015 propose for rectifiers."""
        rng = np.random.default_rng(self.seed)
        sizes = (n_inputs, self.settings["hidden"], self.settings["features"], 1)
        network = {}
        for layer, (n_in, n_out) in enumerate(pairwise(sizes)):
            network[f"weight_{layer}"] = rng.normal(0.0, np.sqrt(2.0 / n_in), (n_in, n_out))
            network[f"bias_{layer}"] = np.zeros(n_out)
        return network


def _trained(
    network: Mapping[str, np.ndarray],
    inputs: np.ndarray,
    rewards: np.ndarray,
    weights: np.ndarray,
    settings: Mapping[str, Any],
    rng: np.random.Generator,
) -> dict[str, np.ndarray]:
    """Returns the layers after gradient steps towards the rewards."""
    torch = extra("torch", needed_by="NeuralLinear")
    layers = [torch.tensor(network[name], dtype=torch.float32) for name in _LAYERS]
    data = [torch.tensor(each, dtype=torch.float32) for each in (inputs, rewards, weights)]
    for layer in layers:
        layer.requires_grad_()
    optimizer = torch.optim.AdamW(
        layers, lr=settings["learning_rate"], weight_decay=settings["weight_decay"]
    )
    for _ in range(settings["gradient_steps"]):
        rows = torch.from_numpy(rng.integers(0, len(rewards), settings["batch_size"]))
        values, reward, weight = (each[rows] for each in data)
        for weight_in, bias in zip(layers[:-2:2], layers[1:-2:2], strict=True):
            values = torch.relu(values @ weight_in + bias)
        predicted = (values @ layers[-2] + layers[-1])[:, 0]
        loss = (weight * (predicted - reward) ** 2).mean()
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    return {
        name: layer.detach().numpy().astype(float)
        for name, layer in zip(_LAYERS, layers, strict=True)
    }
