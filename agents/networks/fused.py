"""`SharedScores` on the CPU, forth and back by hand: the same numbers, in a third of the time.

Matrix products are torch's; all between two of them is one pass over memory that is allocated once.
Import this module where it is used: it needs torch, and compiles.
"""

from collections.abc import Mapping
from typing import Any

import numpy as np
import torch

from recsim_env.agents.networks import fused_loops as loops
from recsim_env.agents.networks.compute import as_tensors
from recsim_env.agents.networks.encoder import Tensors, joined
from recsim_env.agents.networks.shared_scores import Heads, SharedScores


class FusedScores:
    """Computes what a `SharedScores` with our own encoder does, and its gradients.

    Args:
      network: whose weights are used; it is on the CPU.
    """

    def __init__(self, network: SharedScores) -> None:
        self._network = network
        self._weights = dict(network.named_parameters())
        self._memory: dict[str, torch.Tensor] = {}
        self._kept: dict[str, torch.Tensor] = {}

    def inputs(self, seen: Mapping[str, np.ndarray]) -> dict[str, torch.Tensor]:
        """Returns what the weights are multiplied with, until the next call.

        Args:
          seen: as of `CandidateEncoder.inputs`.
        """
        encoder = self._network.encoder
        if encoder.beside:  # which only those have who are shown the state
            found: dict[str, torch.Tensor] = encoder.inputs(as_tensors(seen, torch.device("cpu")))
            return found
        features = np.ascontiguousarray(seen["candidates"])
        n, n_candidates = features.shape[:2]
        blocks = [seen[name][:, None, start:stop] for name, start, stop in encoder.blocks]
        rows = np.concatenate(
            [features[:, :0], *blocks, *(seen[name] for name in encoder.rows)], axis=1
        )
        n_joint = encoder.joint.in_features
        joint = self._empty("compared", n * n_candidates, n_joint)
        magnitude = self._empty("magnitude", n * n_candidates, n_joint)
        loops.compare(features, rows, len(blocks), _cube(joint, n), _cube(magnitude, n))
        tempered = magnitude.log_().copysign_(joint).view(n, n_candidates, n_joint)
        if encoder.fields:
            tensors = {name: torch.from_numpy(seen[name]) for name in encoder.fields}
            known = joined(tensors, encoder.fields)
        else:
            known = torch.zeros(n, 1)
        return {"known": known, "features": torch.from_numpy(features), "joint": tempered}

    def heads(self, inputs: Tensors) -> Heads:
        """Returns scores and values, until the next call."""
        n, n_candidates = inputs["joint"].shape[:2]
        width = len(self._array("encoder.hidden.bias"))
        features, joint = (inputs[name].flatten(0, 1) for name in ("features", "joint"))
        person = self._product("person", inputs["known"], "encoder.person")
        item = self._product("item", joint, "encoder.joint", has_bias=False)
        selected = self._product("selected", features, "encoder.select", has_bias=False)
        loops.hide(_cube(item, n), _cube(selected, n), person.numpy())
        deep = self._product("deep", item, "encoder.hidden", has_bias=False)
        scores = self._empty("scores", n, n_candidates)
        pooled = self._empty("pooled", n, 2 * width)
        loops.summarize(
            _cube(deep, n),
            self._array("encoder.hidden.bias"),
            person.numpy(),
            self._array("score.weight")[0],
            self._array("score.bias"),
            scores.numpy(),
            pooled.numpy(),
        )
        hidden = self._product("hidden", pooled, "value.0").relu_()
        values = self._product("value", hidden, "value.2")[:, 0]
        self._kept = {
            "features": features,
            "joint": joint,
            "known": inputs["known"],
            "person": person,
            "item": item,
            "selected": selected,
            "deep": deep,
            "pooled": pooled,
            "hidden": hidden,
        }
        return Heads(scores, values)

    def backward(self, of_scores: torch.Tensor, of_values: torch.Tensor) -> None:
        """Gives all weights their gradients, after `heads`.

        Args:
          of_scores, of_values: gradients of what `heads` returned.
        """
        kept, of_value = self._kept, of_values[:, None]
        self._learn("value.2", of_value, kept["hidden"])
        of_hidden = torch.mm(of_value, self._weight("value.2.weight"))
        of_hidden *= kept["hidden"] > 0
        self._learn("value.0", of_hidden, kept["pooled"])
        of_pooled = torch.mm(of_hidden, self._weight("value.0.weight"))
        of_item = self._back_to_items(of_scores, of_pooled)
        self._back_to_inputs(of_item, of_pooled)

    def _back_to_items(self, of_scores: torch.Tensor, of_pooled: torch.Tensor) -> torch.Tensor:
        """Returns the gradient of what `hide` returned, and gives later weights theirs."""
        kept, n = self._kept, len(of_scores)
        of_deep = self._empty("of_deep", *kept["deep"].shape)
        loops.from_heads(
            _cube(kept["deep"], n),
            self._array("score.weight")[0],
            of_scores.numpy(),
            of_pooled.numpy(),
            _cube(of_deep, n),
            self._gradient("score.weight").numpy()[0],
            self._gradient("encoder.hidden.bias").numpy(),
        )
        self._gradient("score.bias")[0] = of_scores.sum()
        torch.mm(of_deep.t(), kept["item"], out=self._gradient("encoder.hidden.weight"))
        of_item = self._empty("of_item", *of_deep.shape)
        return torch.mm(of_deep, self._weight("encoder.hidden.weight"), out=of_item)

    def _back_to_inputs(self, of_item: torch.Tensor, of_pooled: torch.Tensor) -> None:
        """Gives the weights of the inputs their gradients."""
        kept, n, width = self._kept, len(of_pooled), of_item.shape[1]
        of_person = self._empty("of_person", *kept["person"].shape)
        is_seen = kept["person"][:, :width] > 0
        torch.mul(of_pooled[:, :width], is_seen, out=of_person[:, :width])
        cubes = (_cube(kept[name], n) for name in ("item", "selected"))
        loops.from_hidden(*cubes, kept["person"].numpy(), _cube(of_item, n), of_person.numpy())
        self._learn("encoder.person", of_person, kept["known"])
        torch.mm(of_item.t(), kept["joint"], out=self._gradient("encoder.joint.weight"))
        of_select = self._gradient("encoder.select.weight")
        torch.mm(kept["selected"].t(), kept["features"], out=of_select)

    def _weight(self, name: str) -> torch.Tensor:
        return self._weights[name].detach()

    def _array(self, name: str) -> Any:
        return self._weight(name).numpy()

    def _gradient(self, name: str) -> torch.Tensor:
        """Returns where the gradient of a weight is written."""
        weight = self._weights[name]
        if weight.grad is None:
            weight.grad = torch.empty_like(weight)
        return weight.grad

    def _empty(self, name: str, n_rows: int, n_columns: int) -> torch.Tensor:
        """Returns memory for so many numbers, the same for the same name."""
        kept = self._memory.get(name)
        if kept is None or len(kept) < n_rows:
            self._memory[name] = kept = torch.empty(n_rows, n_columns)
        return kept[:n_rows]

    def _product(
        self, name: str, given: torch.Tensor, layer: str, *, has_bias: bool = True
    ) -> torch.Tensor:
        """Returns what a linear layer makes of what it is given."""
        weight = self._weight(f"{layer}.weight")
        out = self._empty(name, len(given), len(weight))
        if has_bias:
            return torch.addmm(self._weight(f"{layer}.bias"), given, weight.t(), out=out)
        return torch.mm(given, weight.t(), out=out)

    def _learn(self, layer: str, slope: torch.Tensor, given: torch.Tensor) -> None:
        """Writes the gradients of a linear layer."""
        torch.mm(slope.t(), given, out=self._gradient(f"{layer}.weight"))
        torch.sum(slope, 0, out=self._gradient(f"{layer}.bias"))


def _cube(rows: torch.Tensor, n: int) -> Any:
    """Returns rows of candidates as an array, (n, n_candidates, width)."""
    return rows.view(n, -1, rows.shape[1]).numpy()
