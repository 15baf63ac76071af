"""What learning multiplies, and how fast this processor multiplies it: a bound of its speed."""

import time
from typing import Any

import numpy as np

# How long products are timed.
_SECONDS = 0.05


def flops_per_interaction(agent: Any) -> float | None:
    """Returns operations on 32-bit numbers that products of matrices need for an interaction.

    That is two for each factor of a product: to act, and to go over what was seen, forth and back,
    in each pass of `ppo` with its usual network. None is that they are not known, of other agents.
    """
    settings = agent.settings
    network: Any = getattr(agent, "network", None)
    if not hasattr(settings, "of_update") or not getattr(network, "is_ours", False):
        return None
    encoder, n_candidates = network.encoder, agent.env.scenario.n_candidates
    width = encoder.hidden.in_features
    of_candidate = encoder.joint.in_features + encoder.select.in_features + width
    judged = n_candidates * of_candidate + 3 * encoder.person.in_features + 2 * width + 1
    # Gradients of what the first layers are given are not needed.
    back = judged + n_candidates * width + 2 * width
    n_rows = settings.steps_of(agent.env.num_envs) * agent.env.num_envs
    n_passes = settings.of_update(n_rows)["n_epochs"]
    return float(2 * width * (judged + n_passes * (judged + back)))


def multiplied_per_second(agent: Any) -> float:
    """Returns how many such operations a core does in a second, at the shapes of an agent.

    It is the rate of the product of 320 candidates with the weights of the encoder's first layer,
    per second of processor time.
    """
    from recsim_env.agents.networks.fused_passes import N_AT_ONCE
    from recsim_env.agents.networks.products import product

    encoder = agent.network.encoder
    n_inner, width = encoder.joint.in_features, encoder.hidden.in_features
    rng = np.random.default_rng(0)
    a = rng.standard_normal((N_AT_ONCE, n_inner), np.float32)
    b = rng.standard_normal((n_inner, width), np.float32)
    out = np.empty((N_AT_ONCE, width), np.float32)
    product(a, b, out, False)  # compiles
    n_products, start = 0, time.process_time()
    while (took := time.process_time() - start) < _SECONDS:
        for _ in range(100):
            product(a, b, out, False)
        n_products += 100
    return 2.0 * N_AT_ONCE * n_inner * width * n_products / took
