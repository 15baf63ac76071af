"""A network's last layer, known as well as a linear model is: doubt where it is cheap to have."""

from collections.abc import Mapping
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

import numpy as np

from recsim_env.agents.bandits.linear_posterior import LinearPosterior
from recsim_env.agents.core.features import CONTEXT_FIELDS, JointFeatures
from recsim_env.agents.core.fitted import Fitting, FittingSettings, ImpressionLog
from recsim_env.agents.core.online import OnlineAgent
from recsim_env.agents.core.requirements import extra
from recsim_env.agents.core.restoring import State, fits, part, require_range, split
from recsim_env.agents.core.transition import Observation, Transition
from recsim_env.core.search import Search
from recsim_env.core.settings import LARGE, setting
from recsim_env.envs import RecommendationVectorEnv

# Inputs that hardly vary are left out; others are shown in units of their standard deviation.
_MIN_DEVIATION = 1e-6

# No weight is larger, and no number that the network makes of an input: beyond, A has no inverse.
_MOST = 1e7

# How many rows of the log a network that is taken back is tried on.
_SAMPLE = 1_000

_LAYOUT = {
    "weight_0": "f D H",
    "bias_0": "f H",
    "weight_1": "f H Z",
    "bias_1": "f Z",
    "weight_2": "f Z 1",
    "bias_2": "f 1",
    "centre": "f D",
    "deviation": "scale D",
    "mean": "f Z+1",
    "reward_scale": "scale",
    "count": "f",
    "squares": "f",
}

Model = Mapping[str, np.ndarray]

_LAYERS = ("weight_0", "bias_0", "weight_1", "bias_1", "weight_2", "bias_2")


@dataclass(frozen=True, kw_only=True)
class NeuralLinearSettings(FittingSettings):
    """Settings of `NeuralLinear`."""

    refit_every: int = 1_000
    exploration: float = setting(0.0, search=Search(choices=(0.0, 0.02, 0.1)))
    hidden: int = setting(64, low=1, doc="size of the first hidden layer")
    features: int = setting(32, low=1, doc="size of the second hidden layer, z")
    gradient_steps: int = setting(100, low=1, doc="of a fit")
    batch_size: int = setting(512, low=1, doc="of a fit")
    learning_rate: float = setting(
        0.003, search=Search(0.0005, 0.02, log=True), above=0.0, high=LARGE, doc="of a fit"
    )
    weight_decay: float = setting(
        3.0,
        search=Search(0.3, 30.0, log=True),
        low=0.0,
        high=LARGE,
        doc="each step shrinks weights by it times the learning rate; at 0, ten thousand steps of "
        "music are learned by heart: 37 minutes a session instead of 45",
    )
    ridge: float = setting(0.25, above=0.0, high=LARGE, doc="prior precision of the last layer")
    noise_shape: float = setting(6.0, above=0.0, high=LARGE, doc="of the prior of sigma²")
    noise_scale: float = setting(6.0, above=0.0, high=LARGE, doc="of the prior of sigma²")
    context: bool = setting(True, doc="whether g holds context and history")


class NeuralLinear(OnlineAgent):
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
    """

    Settings = NeuralLinearSettings
    settings: NeuralLinearSettings
    requires = ("item features",)
    draws_slates = "scores"
    infinite = ("fitting.model.deviation",)

    def __init__(self, env: RecommendationVectorEnv, *, seed: int = 0, **settings: Any) -> None:
        super().__init__(env, seed=seed, **settings)
        fields = (*CONTEXT_FIELDS, "candidates")
        self.fitting = Fitting(self.env.scenario, fields, every=self.settings.refit_every)
        self._joint = JointFeatures(
            self.env.scenario, max_features=0, context=self.settings.context
        )
        extra("torch", needed_by="NeuralLinear")

    @property
    def log(self) -> ImpressionLog:
        """What was shown while learning."""
        return self.fitting.log

    @property
    def model(self) -> dict[str, np.ndarray]:
        """The network, and the posterior of its last layer; empty at first."""
        return self.fitting.model

    # Acting ---------------------------------------------------------------------------------------

    def scores(self, observation: Observation, state: Any, *, deterministic: bool) -> np.ndarray:
        """Returns the rewards under drawn weights, or where `deterministic` under their mean."""
        if not self.model:
            return np.zeros(observation["candidates"].shape[:2])
        x = self._last_layer(self.model, observation, observation["candidates"])
        posterior = self._posterior(self.model)
        if deterministic:
            return np.asarray(x @ posterior.mean)
        noise_shape, noise_scale = self._noise()
        noise = np.sqrt(noise_scale / self.rng.gamma(noise_shape, size=len(x)))
        weights = posterior.draw(self.rng, len(x), scale=noise)
        return np.asarray(np.matmul(x, weights[:, :, None])[:, :, 0])

    def _noise(self) -> tuple[float, float]:
        """Returns shape and scale of the posterior of sigma²."""
        model, posterior = self.model, self._posterior(self.model)
        unexplained = max(0.0, float(model["squares"] - posterior.mean @ posterior.moment))
        return (
            float(self.settings.noise_shape + model["count"] / 2.0),
            float(self.settings.noise_scale + unexplained / 2.0),
        )

    # Learning -------------------------------------------------------------------------------------

    def begin(self) -> None:
        """Notes that everybody's session begins anew."""
        self.log.end_sessions()

    def update(self, transition: Transition) -> None:
        """Adds to the log, and to the posterior unless that was just fitted to the log."""
        self.fitting.update(transition, self.fit)
        seen = transition.examination_probability > 0
        if self.model and self.fitting.n_unfitted:
            x = self._last_layer(self.model, transition.observation, transition.shown("candidates"))
            weights = transition.examination_probability[seen]
            self._observe(self.model, x[seen], transition.place_rewards[seen], weights)

    def finish(self) -> None:
        """Fits what came since the last fit."""
        self.fitting.finish(self.fit)

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
        posterior = LinearPosterior.prior(1 + self.settings.features, ridge=self.settings.ridge)
        model |= posterior.state_dict()
        model |= {"count": np.zeros(()), "squares": np.zeros(())}
        seen = weights > 0
        x = self._last_layer(model, observation, items)[:, 0]
        self._observe(model, x[seen], rewards[seen], weights[seen])
        return model

    def _check_model(self, model: Model) -> None:
        """Raises ValueError unless a model could be of the log, by its shapes."""
        n_inputs = self.log.n_columns["F"] + self._joint.n_people - 1
        fits(model, _LAYOUT, {"D": n_inputs})
        posterior = LinearPosterior.prior(len(model["mean"]), ridge=self.settings.ridge)
        posterior.load_state_dict({name: model[name] for name in posterior.state_dict()})
        for name in ("count", "squares"):
            require_range(name, model[name], low=0.0)
        for name in _LAYERS:
            require_range(name, model[name], low=-_MOST, high=_MOST)
        rows = np.linspace(0, len(self.log) - 1, min(_SAMPLE, len(self.log))).astype(np.int64)
        seen = {name: self.log[name][rows] for name in self.log.fields}
        x = self._last_layer(model, seen, seen["candidates"][:, None])
        require_range("the last layer", x, low=0.0, high=_MOST)

    def state_dict(self) -> dict[str, Any]:
        """Returns the model and the log, so that learning can go on."""
        return super().state_dict() | {"fitting": self.fitting.state_dict()}

    def load_state_dict(self, state: State) -> None:
        """Takes back what `state_dict` returned, the model as a copy, which changes in place."""
        own, rest = split(state, "fitting")
        super().load_state_dict(rest)
        self.fitting.load_state_dict(part(own, "fitting"), most_unfitted=self.num_timesteps)
        self.fitting.model = {name: value.copy() for name, value in self.model.items()}
        if self.model:
            self._check_model(self.model)

    def _posterior(self, model: Model) -> LinearPosterior:
        """Returns the posterior of a model's last layer, which changes the model's arrays."""
        names = ("precision", "moment", "covariance", "mean", "n_corrections")
        return LinearPosterior(self.settings.ridge, **{name: model[name] for name in names})

    def _observe(
        self, model: Model, x: np.ndarray, rewards: np.ndarray, weights: np.ndarray
    ) -> None:
        """Adds observations to the posterior of a model, x being (1, z)."""
        rewards = rewards / model["reward_scale"]
        self._posterior(model).add(x, rewards, weights)
        np.add(model["count"], weights.sum(), out=model["count"])
        np.add(model["squares"], weights @ rewards**2, out=model["squares"])

    def _inputs(self, observation: Observation, items: np.ndarray) -> np.ndarray:
        """Returns (g, f) of items, (n, n_items, n_inputs)."""
        people = self._joint.people(observation)[:, 1:]
        shape = (*items.shape[:2], people.shape[1])
        return np.concatenate([np.broadcast_to(people[:, None], shape), items], axis=2)

    def _last_layer(self, model: Model, observation: Observation, items: np.ndarray) -> np.ndarray:
        """Returns (1, z) of items, (n, n_items, 1 + features)."""
        values = (self._inputs(observation, items) - model["centre"]) / model["deviation"]
        for layer in (0, 1):
            values = np.maximum(values @ model[f"weight_{layer}"] + model[f"bias_{layer}"], 0.0)
        return np.concatenate([np.ones((*values.shape[:2], 1)), values], axis=2)

    def _fresh_network(self, n_inputs: int) -> dict[str, np.ndarray]:
        """Returns layers drawn as He et al. 2015 propose for rectifiers."""
        rng = np.random.default_rng(self.seed)
        sizes = (n_inputs, self.settings.hidden, self.settings.features, 1)
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
    settings: NeuralLinearSettings,
    rng: np.random.Generator,
) -> dict[str, np.ndarray]:
    """Returns the layers after gradient steps towards the rewards."""
    torch = extra("torch", needed_by="NeuralLinear")
    layers = [torch.tensor(network[name], dtype=torch.float32) for name in _LAYERS]
    data = [torch.tensor(each, dtype=torch.float32) for each in (inputs, rewards, weights)]
    for layer in layers:
        layer.requires_grad_()
    optimizer = torch.optim.AdamW(
        layers, lr=settings.learning_rate, weight_decay=settings.weight_decay
    )
    for _ in range(settings.gradient_steps):
        rows = torch.from_numpy(rng.integers(0, len(rewards), settings.batch_size))
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
