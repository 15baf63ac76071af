"""Where and how torch computes, and the weights of networks as arrays.

Import this module where it is used: it needs torch.
"""

import contextlib
import json
from collections.abc import Iterator, Mapping
from typing import Any

import numpy as np
import torch
from gymnasium import spaces
from torch import nn

from recsim_env.agents.core.restoring import like, require_finite, require_range, taken

# What the names of weights begin with among the arrays of a model.
_PREFIX = "net."


@contextlib.contextmanager
def computing(seed: int | None = None) -> Iterator[None]:
    """Computes in one thread, and with `seed` draws from generators of its own, for the time."""
    n_threads = torch.get_num_threads()
    torch.set_num_threads(1)  # sums over several threads would depend on their number
    try:
        with torch.random.fork_rng(enabled=seed is not None):
            if seed is not None:
                torch.default_generator.manual_seed(seed)
                if torch.cuda.is_available():  # to seed what is not there takes milliseconds
                    torch.cuda.manual_seed_all(seed)
            yield
    finally:
        torch.set_num_threads(n_threads)


def device_of(name: str) -> torch.device:
    """Returns a device by name; "auto" is the GPU, where there is one.

    Raises:
      ValueError: it is the GPU, and there is none.
    """
    has_gpu = torch.cuda.is_available()
    if name == "auto":
        name = "cuda" if has_gpu else "cpu"
    if name == "cuda" and not has_gpu:
        raise ValueError("device='cuda', but torch finds no GPU; use device='cpu' or 'auto'")
    return torch.device(name)


def as_tensors(arrays: Mapping[str, np.ndarray], device: torch.device) -> dict[str, torch.Tensor]:
    """Returns arrays as tensors on a device."""
    return {
        name: torch.as_tensor(np.ascontiguousarray(value), device=device)
        for name, value in arrays.items()
    }


def generator_states(actions: spaces.Space) -> dict[str, np.ndarray]:
    """Returns where the global generators stand, and that of a space of actions."""
    _, keys, place, has_normal, normal = np.random.get_state()
    found = {
        "numpy": np.array(keys),
        "numpy_rest": np.array([place, has_normal, normal], np.float64),
        "torch": torch.get_rng_state().numpy().copy(),
        "actions": np.array(json.dumps(actions.np_random.bit_generator.state)),
    }
    if torch.cuda.is_available():
        found["cuda"] = torch.cuda.get_rng_state().numpy().copy()
    return found


def set_generator_states(states: Mapping[str, np.ndarray], actions: spaces.Space) -> None:
    """Lets the generators go on from what `generator_states` returned.

    Raises:
      ValueError: a state is none.
    """
    keys = like(states, "numpy", np.zeros(624, np.uint32))
    rest = like(states, "numpy_rest", np.zeros(3))
    require_range("numpy_rest", rest[:2], low=0.0, high=len(keys))
    place, has_normal, normal = rest.tolist()
    np.random.set_state(("MT19937", keys, int(place), int(has_normal), normal))
    own = torch.get_rng_state().numpy()
    torch.set_rng_state(torch.from_numpy(like(states, "torch", own)))
    actions.np_random.bit_generator.state = json.loads(str(states["actions"]))
    if "cuda" in states and torch.cuda.is_available():
        torch.cuda.set_rng_state(torch.from_numpy(states["cuda"].copy()))


def weights_of(net: nn.Module) -> dict[str, np.ndarray]:
    """Returns copies of the weights by name."""
    return {name: np.array(value.cpu().numpy()) for name, value in net.state_dict().items()}


def set_weights(net: nn.Module, arrays: Mapping[str, np.ndarray]) -> None:
    """Gives a network copies of the weights that `weights_of` returned.

    Raises:
      ValueError: they are not of such a network.
    """
    check_weights(net, arrays, prefix="")
    net.load_state_dict({name: torch.from_numpy(arrays[name].copy()) for name in net.state_dict()})


def arrays_of(net: nn.Module) -> dict[str, np.ndarray]:
    """Returns copies of the weights by name, for the model of a fitted agent."""
    return {_PREFIX + name: value for name, value in weights_of(net).items()}


def check_weights(net: nn.Module, arrays: Mapping[str, np.ndarray], prefix: str = _PREFIX) -> None:
    """Raises ValueError unless the arrays hold weights of the shapes that a network has."""
    for name, value in net.state_dict().items():
        found = taken(arrays, prefix + name)
        dtype = str(value.dtype).removeprefix("torch.")
        if found.shape != tuple(value.shape) or str(found.dtype) != dtype:
            raise ValueError(
                f"{prefix}{name} is {found.dtype} of shape {found.shape}, not {dtype} of shape "
                f"{tuple(value.shape)}"
            )
        require_finite(prefix + name, found)


def take(net: nn.Module, arrays: Mapping[str, np.ndarray], *, assign: bool = True) -> None:
    """Gives a network the weights among the arrays of a model.

    Args:
      net: is changed.
      arrays: as from `arrays_of`, others beside them are left alone.
      assign: whether it then shares their memory instead of copying them.
    """
    names = net.state_dict()
    weights = {name: torch.from_numpy(arrays[_PREFIX + name]) for name in names}
    net.load_state_dict(weights, assign=assign)


def follow(average: nn.Module, learned: nn.Module, tau: float) -> None:
    """Moves the weights of an average a share `tau` of the way to those of its like in training."""
    with torch.no_grad():
        for mean, value in zip(average.parameters(), learned.parameters(), strict=True):
            mean.lerp_(value, tau)


def optimizer_arrays(optimizer: torch.optim.Optimizer) -> dict[str, np.ndarray]:
    """Returns what an optimiser remembers of its steps, by name."""
    return {
        f"{index}.{name}": value.cpu().numpy().copy()
        for index, parts in optimizer.state_dict()["state"].items()
        for name, value in parts.items()
    }


def restore_optimizer(optimizer: torch.optim.Optimizer, arrays: Mapping[str, np.ndarray]) -> None:
    """Gives an optimiser back what `optimizer_arrays` returned.

    Raises:
      ValueError: they are not of its weights, or some are missing.
    """
    weights = [weight for group in optimizer.param_groups for weight in group["params"]]
    moments: dict[int, dict[str, Any]] = {}
    for key, value in arrays.items():
        index, _, name = key.partition(".")
        if not index.isdecimal() or int(index) >= len(weights):
            raise ValueError(f"the optimiser has no weight {key}")
        shape = () if name == "step" else tuple(weights[int(index)].shape)
        if value.shape != shape or value.dtype != np.float32:
            raise ValueError(f"{key} of the optimiser has shape {value.shape}, not {shape}")
        require_finite(key, value)
        require_range(key, value, low={"exp_avg_sq": 0.0, "step": 1.0}.get(name, -np.inf))
        moments.setdefault(int(index), {})[name] = torch.as_tensor(value.copy())
    if any(set(parts) != {"step", "exp_avg", "exp_avg_sq"} for parts in moments.values()):
        raise ValueError("the optimiser lacks a moment of a weight, or has one too many")
    optimizer.load_state_dict(optimizer.state_dict() | {"state": moments})
