"""`CandidateEncoder` on the CPU, forth and back by hand: the same numbers, in a third of the time.

Matrix products are torch's; all between two of them is one pass over memory. Import this module
where it is used: it needs torch, and compiles.
"""

from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

import torch
from torch import nn

from recsim_env.agents.networks import fused_loops as loops
from recsim_env.agents.networks.encoder import Inputs, Tensors, candidates_of


class Layers(NamedTuple):
    """What layers of an encoder say of n moments with c candidates; w is its width.

    Attributes:
      person: (n, 3 w), with the shift and the selection of candidates.
      selected: (n c, w), what is selected from.
      item: (n c, w), what the last layer is given.
      deep: (n c, w), what it says without its bias.
    """

    person: torch.Tensor
    selected: torch.Tensor
    item: torch.Tensor
    deep: torch.Tensor


#: Returns memory for (name, rows, columns) of 32-bit numbers.
Memory = Callable[[str, int, int], torch.Tensor]


def fresh(name: str, n_rows: int, n_columns: int) -> torch.Tensor:
    """Returns memory that nobody else has."""
    return torch.empty(n_rows, n_columns)


def weights_of(encoder: Any) -> dict[str, torch.Tensor]:
    """Returns the weights of an encoder by name, in the order of their gradients."""
    return {
        "person.weight": encoder.person.weight,
        "person.bias": encoder.person.bias,
        "joint.weight": encoder.joint.weight,
        "select.weight": encoder.select.weight,
        "hidden.weight": encoder.hidden.weight,
        "hidden.bias": encoder.hidden.bias,
    }


def inputs_of(encoder: Any, observation: Tensors) -> Inputs:
    """Returns what `CandidateEncoder.inputs` does, of an encoder that `has_loops`."""
    features = candidates_of(observation)
    blocks = [observation[name][:, None, start:stop] for name, start, stop in encoder.blocks]
    compared = [features[:, :0], *blocks, *(observation[name] for name in encoder.rows)]
    joint = torch.empty(*features.shape[:2], encoder.joint.in_features)
    rows = torch.cat(compared, 1).numpy()
    loops.compare(features.numpy(), rows, len(blocks), joint.numpy())
    known = torch.cat([observation[name].flatten(1) for name in encoder.fields], 1)
    loops.temper_alone(known.view(-1).numpy())
    return Inputs(known=known, features=features, joint=joint)


def layers_of(encoder: Any, inputs: Tensors, empty: Memory = fresh) -> Layers:
    """Returns what an encoder's layers say of its `inputs`.

    Args:
      encoder: whose weights are used.
      inputs: as from `CandidateEncoder.inputs`.
      empty: gives memory for it.
    """
    n = len(inputs["known"])
    features, joint = (inputs[name].flatten(0, 1) for name in ("features", "joint"))
    person = linear(encoder.person, inputs["known"], "person", empty)
    item = _product(encoder.joint, joint, "item", empty)
    selected = _product(encoder.select, features, "selected", empty)
    loops.hide(cube(item, n), cube(selected, n), person.numpy())
    return Layers(person, selected, item, _product(encoder.hidden, item, "deep", empty))


def differentiate(
    encoder: Any,
    inputs: Tensors,
    layers: Layers,
    slopes: tuple[torch.Tensor, torch.Tensor],
    out: Mapping[str, torch.Tensor],
    empty: Memory = fresh,
) -> None:
    """Writes the gradients of all weights but the last bias.

    Args:
      encoder, inputs, layers: as of `layers_of`; layers are used up.
      slopes: gradients of the person, (n, w), where it is more than 0, and of `Layers.deep`.
      out: where gradients are written, by the names of weights.
      empty: gives memory.
    """
    of_seen, of_deep = slopes
    n, width = of_seen.shape
    torch.mm(of_deep.t(), layers.item, out=out["hidden.weight"])
    of_item = torch.mm(
        of_deep, encoder.hidden.weight.detach(), out=empty("of_item", *of_deep.shape)
    )
    of_person = empty("of_person", n, 3 * width)
    of_person[:, :width] = where_positive(of_seen, layers.person[:, :width])
    cubes = cube(layers.item, n), cube(layers.selected, n)
    loops.from_hidden(*cubes, layers.person.numpy(), cube(of_item, n), of_person.numpy())
    torch.mm(of_person.t(), inputs["known"], out=out["person.weight"])
    torch.sum(of_person, 0, out=out["person.bias"])
    torch.mm(of_item.t(), inputs["joint"].flatten(0, 1), out=out["joint.weight"])
    torch.mm(layers.selected.t(), inputs["features"].flatten(0, 1), out=out["select.weight"])


class Described(torch.autograd.Function):
    """`CandidateEncoder.described` for torch to differentiate, once."""

    @staticmethod
    def forward(ctx: Any, encoder: Any, inputs: Any, *weights: torch.Tensor) -> Any:
        """Returns the person and the candidates; weights are those of `weights_of`."""
        layers = layers_of(encoder, inputs)
        person, items = _heads_of(encoder, layers)
        ctx.encoder, ctx.inputs = encoder, inputs
        ctx.save_for_backward(items, *layers[:3])
        return person, items

    @staticmethod
    def backward(ctx: Any, *slopes: Any) -> Any:
        """Returns the gradients of the weights."""
        of_seen, of_items = slopes
        items, person, selected, item = ctx.saved_tensors
        of_deep = where_positive(of_items, items).flatten(0, 1)
        out = {name: torch.empty_like(each) for name, each in weights_of(ctx.encoder).items()}
        torch.sum(of_deep, 0, out=out["hidden.bias"])
        layers = Layers(person, selected, item, of_deep)
        differentiate(ctx.encoder, ctx.inputs, layers, (of_seen, of_deep), out)
        return None, None, *out.values()


def described(encoder: Any, inputs: Any) -> tuple[torch.Tensor, torch.Tensor]:
    """Returns the person, (n, w), and the candidates, (n, c, w), as `CandidateEncoder` does."""
    if not torch.is_grad_enabled():
        return _heads_of(encoder, layers_of(encoder, inputs))
    found: tuple[torch.Tensor, torch.Tensor] = Described.apply(
        encoder, inputs, *weights_of(encoder).values()
    )
    return found


def _heads_of(encoder: Any, layers: Layers) -> tuple[torch.Tensor, torch.Tensor]:
    """Returns the person and the candidates, which take the place of `Layers.deep`."""
    n, width = len(layers.person), layers.item.shape[1]
    items = layers.deep.add_(encoder.hidden.bias.detach()).relu_()
    return layers.person[:, :width].relu(), items.view(n, -1, width)


def where_positive(slope: torch.Tensor, x: torch.Tensor) -> torch.Tensor:
    """Returns a gradient where x is more than 0, else 0; `torch.where` takes many times as long."""
    return torch.ops.aten.threshold_backward(slope, x, 0)


def linear(layer: nn.Linear, given: torch.Tensor, name: str, empty: Memory) -> torch.Tensor:
    """Returns what a layer makes of what it is given, in the memory of that name."""
    out = empty(name, len(given), layer.out_features)
    return torch.addmm(layer.bias.detach(), given, layer.weight.detach().t(), out=out)


def _product(layer: nn.Linear, given: torch.Tensor, name: str, empty: Memory) -> torch.Tensor:
    """Returns it without the bias."""
    out = empty(name, len(given), layer.out_features)
    return torch.mm(given, layer.weight.detach().t(), out=out)


def cube(rows: torch.Tensor, n: int) -> Any:
    """Returns rows of candidates as an array, (n, n_candidates, width)."""
    return rows.view(n, -1, rows.shape[1]).numpy()
