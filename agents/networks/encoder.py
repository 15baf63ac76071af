"""Networks that judge every candidate with the same weights, in plain PyTorch, for use anywhere.

Candidates stand in random order: their places mean nothing. A network over the flattened
observation has to learn each item anew for each place, and at the default settings does not get
there; `CandidateEncoder` has one set of weights for all candidates, and learns in minutes.

    CandidateScores     a score for every candidate (logits) and the value of the moment: enough for
                        PPO, A2C, DQN and their like, in whichever framework
    CandidateEncoder    what both heads stand on: descriptions of the person and of the candidates
    split               the fields of an observation that a framework has made one vector of

    >>> import gymnasium, recsim_env, torch
    >>> env = gymnasium.make_vec("recsim_env/InterestEvolution-v0", num_envs=4)
    >>> observation, _ = env.reset(seed=0)
    >>> network = CandidateScores(env.single_observation_space, width=64)
    >>> logits = network.scores({k: torch.as_tensor(v) for k, v in observation.items()})
    >>> logits.shape
    torch.Size([4, 10])

A slate is the highest of them, or is drawn place by place without repeats by
`recsim_env.agents.networks.plackett_luce`. `recsim_env.agents.frameworks` binds these networks to
Stable-Baselines3, TorchRL, RLlib and Tianshou.

An encoder of one's own is a class like `CandidateEncoder`: a module that is made with ``(space,
width)`` and whose ``forward(observation)`` returns the person, (n, width), and the candidates, (n,
n_candidates, width). Every agent with a `network` setting, every policy in
`recsim_env.agents.frameworks` and `CandidateScores` take it: the class, or its name.
"""

import itertools
import math
from collections.abc import Iterable, Mapping
from typing import Any

import numpy as np
import torch
from gymnasium import spaces
from torch import nn

from recsim_env.inputs.importing import NamedClass, imported_class
from recsim_env.inputs.spelling import did_you_mean

#: Fields of observations by name, each (n, ...).
Tensors = Mapping[str, torch.Tensor]

#: An encoder: the class, its name among `NETWORKS`, ``"module:Class"`` or ``"file.py:Class"``.
Network = str | type[nn.Module]

#: Encoders by name.
NETWORKS = {"candidates": "recsim_env.agents.networks.encoder:CandidateEncoder"}


def split(flat: torch.Tensor, space: spaces.Dict) -> dict[str, torch.Tensor]:
    """Returns the fields of observations that are one vector each: views, no copies.

    Args:
      flat: (..., n_floats), as environments made with ``flat=True`` show them.
      space: of the same environment made without it; ids are in no flat observation.

    Returns:
      Each field, (..., shape of the field).

    Raises:
      ValueError: the vectors are of another size than the fields together.
    """
    boxes = boxes_of(space)
    sizes = [math.prod(box.shape) for box in boxes.values()]
    if flat.shape[-1] != sum(sizes):
        raise ValueError(
            f"flat observations of {flat.shape[-1]} numbers are not of this space, whose fields "
            f"({', '.join(boxes)}) have {sum(sizes)}"
        )
    parts = flat.split(sizes, dim=-1)
    return {
        name: part.unflatten(-1, box.shape)
        for part, (name, box) in zip(parts, boxes.items(), strict=True)
    }


def boxes_of(space: Any) -> dict[str, spaces.Box]:
    """Returns the fields that hold numbers, by name: all but ids.

    Raises:
      TypeError: observations have no fields.
    """
    if not isinstance(space, spaces.Dict):
        raise TypeError(
            f"observations here are {space}, without fields; make the environment with flat=False, "
            "or give the space of one made so and `split` what is flat"
        )
    return {name: each for name, each in space.items() if isinstance(each, spaces.Box)}


def n_candidates_of(space: Any) -> int:
    """Returns how many candidates are seen.

    Raises:
      TypeError: observations have no fields.
      ValueError: none is `candidates`.
    """
    boxes = boxes_of(space)
    if "candidates" not in boxes:
        raise ValueError(
            f"observations here have no features of candidates, only {', '.join(boxes)}; use a "
            "scenario that shows them"
        )
    return boxes["candidates"].shape[0]


def candidates_of(observation: Tensors) -> torch.Tensor:
    """Returns a copy of the features of candidates, (n, n_candidates, n_features).

    What a product comes to depends, in its last bits, on how its factors lie in memory: some
    processors take another way where rows are spaced out or begin between two multiples of 16
    bytes, as those of an environment's records do. A copy is as torch lays it out, always.
    """
    return observation["candidates"].clone(memory_format=torch.contiguous_format)


def beside_candidates(boxes: Mapping[str, spaces.Box]) -> list[str]:
    """Returns the fields that say more of each candidate: their names begin with `candidate_`."""
    return [name for name in boxes if name.startswith("candidate_")]


def tempered(x: torch.Tensor) -> torch.Tensor:
    """Returns sign(x) log(1 + |x|): x where it is small, and no very large numbers."""
    return x.abs().log1p_().copysign_(x)


def joined(observation: Tensors, fields: Iterable[str]) -> torch.Tensor:
    """Returns fields side by side, `tempered`, (n, total size)."""
    return tempered(torch.cat([observation[name].flatten(1) for name in fields], 1))


class Inputs(dict[str, torch.Tensor]):
    """What a `CandidateEncoder` multiplies its weights with; of one space, all have the same.

    So it is computed once for several encoders, which take it in place of an observation.
    """


class CandidateEncoder(nn.Module):
    """Describes the person, and each candidate to this person, by `width` numbers.

    With g all fields but `candidates`, flattened, and f a candidate's features, some of g compares
    with f: fields as wide (a person's interests, say), wider ones cut from their end into blocks as
    wide, and the rows of fields of such rows. x are f, its products with the blocks, and for each
    block and row r the dot product f · r and the entry of r at f's largest feature: how much of r
    is of the candidate's kind. Fields whose names begin with `candidate_` have a row for each of
    them too, which is added to x and, in the last product, to f. With g and x `tempered`:

        person = relu(A g),    candidate = relu(B relu(C x + D g + (E f) * (F g)))

    Args:
      space: of the observations, a `Dict` with `candidates`. Fields that are no `Box`, such as ids,
        are left out.
      width: of the layers.

    Attributes:
      by_hand: whether it is computed and differentiated by hand, which only the CPU is for: faster,
        and other in the last bits; see `compute_by_hand`.

    Raises:
      TypeError: the space has no fields.
      ValueError: it has no `candidates`.
    """

    by_hand = False

    def __init__(self, space: spaces.Dict, width: int) -> None:
        super().__init__()
        n_candidates_of(space)
        boxes = boxes_of(space)
        n_features = boxes.pop("candidates").shape[-1]
        self.beside = beside_candidates(boxes)
        n_beside = sum(boxes.pop(name).shape[-1] for name in self.beside)
        self.fields = list(boxes)
        shapes = {name: box.shape for name, box in boxes.items()}
        n_person = sum(math.prod(shape) for shape in shapes.values())
        self.blocks = [
            (name, stop - n_features, stop)
            for name, shape in shapes.items()
            if len(shape) == 1
            for stop in range(shape[0], n_features - 1, -n_features)
        ]
        self.rows = [name for name, shape in shapes.items() if shape[1:] == (n_features,)]
        starts = dict(zip(shapes, _starts(shapes), strict=True))
        self.starts = np.array(
            [starts[name] + start for name, start, _ in self.blocks]
            + [
                starts[name] + row * n_features
                for name in self.rows
                for row in range(shapes[name][0])
            ],
            np.int64,
        )
        n_rows = len(self.starts)
        n_joint = n_features * (1 + len(self.blocks)) + 2 * n_rows + n_beside
        self.person = nn.Linear(max(1, n_person), 3 * width)
        self.joint = nn.Linear(n_joint, width, bias=False)
        self.select = nn.Linear(n_features + n_beside, width, bias=False)
        self.hidden = nn.Linear(width, width)

    def forward(self, observation: Tensors) -> tuple[torch.Tensor, torch.Tensor]:
        """Returns the person, (n, width), and the candidates, (n, n_candidates, width)."""
        is_ready = isinstance(observation, Inputs)
        return self.described(observation if is_ready else self.inputs(observation))

    def inputs(self, observation: Tensors) -> Inputs:
        """Returns what the weights are multiplied with: f, and g and x `tempered`."""
        if self.by_hand and self.fields:
            from recsim_env.agents.networks.fused_inputs import inputs_of

            return inputs_of(self, {name: each.numpy() for name, each in observation.items()})
        features = candidates_of(observation)
        known = joined(observation, self.fields) if self.fields else features[:, 0, :1] * 0.0
        blocks = [observation[name][:, None, start:stop] for name, start, stop in self.blocks]
        compared = [features[:, :0], *blocks, *(observation[name] for name in self.rows)]
        rows = torch.cat(compared, 1).transpose(1, 2)
        kind = features.argmax(dim=2, keepdim=True).expand(-1, -1, rows.shape[2])
        products = [features * block for block in blocks]
        beside = [observation[name] for name in self.beside]
        joint = [features, *products, features @ rows, rows.gather(1, kind), *beside]
        described = torch.cat([features, *map(tempered, beside)], 2) if beside else features
        return Inputs(known=known, features=described, joint=tempered(torch.cat(joint, 2)))

    def described(self, inputs: Tensors) -> tuple[torch.Tensor, torch.Tensor]:
        """Returns, from `inputs`, what `forward` returns."""
        if self.by_hand:
            from recsim_env.agents.networks.fused_encoder import described

            return described(self, inputs)
        person, shift, select = self.person(inputs["known"]).chunk(3, dim=1)
        selected = self.select(inputs["features"]) * select[:, None]
        item = self.joint(inputs["joint"]).add_(shift[:, None]).add_(selected).relu_()
        return torch.relu(person), self.hidden(item).relu_()


def _starts(shapes: Mapping[str, tuple[int, ...]]) -> list[int]:
    """Returns where fields begin that lie flat side by side."""
    return [0, *itertools.accumulate(math.prod(shape) for shape in shapes.values())][:-1]


def shared_inputs(encoders: list[Any], observation: Tensors) -> Tensors:
    """Returns what is computed once for all encoders; the observation if one is not ours."""
    if all(type(each) is CandidateEncoder for each in encoders):
        inputs: Tensors = encoders[0].inputs(observation)
        return inputs
    return observation


def compute_by_hand(network: nn.Module) -> None:
    """Lets all our own encoders in a network on the CPU be computed by hand."""
    for part in network.modules():
        if type(part) is CandidateEncoder and part.joint.weight.device.type == "cpu":
            part.by_hand = True


class CandidateScores(nn.Module):
    """An encoder with a head for logits, and another with a head for values: an actor-critic.

    `scores` alone are Q-values as well, of slates of one item.

    Args:
      space: of the observations; see `CandidateEncoder`.
      width: of the layers.
      network: the encoder: "candidates" (`CandidateEncoder`), or one of your own: the class,
        ``"module:Class"`` or ``"file.py:Class"``.
    """

    def __init__(
        self, space: spaces.Dict, width: int = 64, network: Network = "candidates"
    ) -> None:
        super().__init__()
        self.actor = make_encoder(network, space, width)
        self.critic = make_encoder(network, space, width)
        self.score = nn.Linear(width, 1)
        self.value = nn.Sequential(nn.Linear(2 * width, width), nn.ReLU(), nn.Linear(width, 1))
        nn.init.orthogonal_(self.score.weight, 0.01)

    def forward(self, observation: Tensors) -> tuple[torch.Tensor, torch.Tensor]:
        """Returns scores, (n, n_candidates), and values, (n, 1)."""
        return self.scores(observation), self.values(observation)

    def scores(self, observation: Tensors) -> torch.Tensor:
        """Returns (n, n_candidates)."""
        return torch.as_tensor(self.score(self.actor(observation)[1])[:, :, 0])

    def values(self, observation: Tensors) -> torch.Tensor:
        """Returns (n, 1)."""
        person, items = self.critic(observation)
        return torch.as_tensor(self.value(torch.cat([person, items.mean(dim=1)], dim=1)))


def scores_only(
    space: spaces.Dict, width: int = 64, network: Network = "candidates"
) -> CandidateScores:
    """Returns a `CandidateScores` without weights for values, and so without `values`."""
    half = CandidateScores(space, width, network)
    del half.critic, half.value
    return half


def values_only(
    space: spaces.Dict, width: int = 64, network: Network = "candidates"
) -> CandidateScores:
    """Returns a `CandidateScores` without weights for scores, and so without `scores`."""
    half = CandidateScores(space, width, network)
    del half.actor, half.score
    return half


def make_encoder(network: Network, space: spaces.Dict, width: int) -> Any:
    """Returns a fresh encoder, which was tried on an observation if it is not one of ours.

    Args:
      network: the class, or its name.
      space: of the observations.
      width: of what it returns.

    Raises:
      ValueError: there is no such class, it cannot be made, or it returns something else.
    """
    if isinstance(network, str):
        if network not in NETWORKS and ":" not in network:
            raise ValueError(
                f"network={network!r} is not allowed; use {', '.join(NETWORKS)}, module:Class or "
                f"file.py:Class{did_you_mean(network, NETWORKS)}"
            )
        name = NETWORKS.get(network, network)
        known = network.kind if isinstance(network, NamedClass) else None
        network = known or imported_class(name, nn.Module, what="network")
    if not (isinstance(network, type) and issubclass(network, nn.Module)):
        raise ValueError(f"network={network!r} is not allowed; use a subclass of torch.nn.Module")
    if network.__module__.startswith("recsim_env."):
        return network(space, width)
    return _tried(network, space, width)


def _tried(kind: Any, space: spaces.Dict, width: int) -> Any:
    """Returns an encoder of somebody's own that returns what it must, drawing nothing for it."""
    name = kind.__qualname__
    try:
        encoder = kind(space, width)
        boxes = boxes_of(space)
        trial = {name: torch.zeros(2, *box.shape) for name, box in boxes.items()}
        with torch.random.fork_rng(), torch.no_grad():
            found = encoder(trial)
    except Exception as error:
        said = " ".join(f"{type(error).__name__}: {error}".split())
        raise ValueError(
            f"network {name} failed on an observation of zeros with width={width}: {said}"
        ) from error
    wanted = [(2, width), (2, boxes["candidates"].shape[0], width)]
    shapes = [tuple(getattr(each, "shape", ())) for each in found] if _is_pair(found) else found
    if shapes != wanted:
        told = shapes if _is_pair(found) else f"a {type(found).__name__}"
        raise ValueError(
            f"network {name} returns {told} for 2 observations, not the person and the candidates "
            f"of shapes {wanted[0]} and {wanted[1]}"
        )
    return encoder


def _is_pair(found: Any) -> bool:
    return isinstance(found, tuple | list) and len(found) == 2
