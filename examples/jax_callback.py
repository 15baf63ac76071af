"""REINFORCE in JAX: one compiled function plays sessions, through `io_callback`, and learns."""

# /// script
# requires-python = ">=3.11"
# dependencies = ["recsim-env", "gymnasium", "jax"]
# ///

import time

import gymnasium
import jax
import jax.numpy as jnp
from jax.experimental import io_callback

from recsim_env.agents import make_agent
from recsim_env.benchmark import evaluate

ID, N_ENVS, N_STEPS, N_UPDATES = "recsim_env:recsim_env/LongTermSatisfaction-v0", 256, 60, 40
people = gymnasium.make_vec(ID, num_envs=N_ENVS, autoreset_mode="SameStep")
seen, start = people.reset(seed=0)[0]["candidates"], time.perf_counter()
key, *keys = jax.random.split(jax.random.key(0), N_UPDATES + 1)
weights = 0.5 * jax.random.normal(key, (seen.shape[2], 16)), jnp.zeros(16)
scores = jax.jit(lambda weights, seen: jnp.tanh(seen @ weights[0]) @ weights[1])


def step(shown):
    observation, rewards, terminated, truncated, _ = people.step(shown)
    return observation["candidates"], rewards.astype("float32"), terminated | truncated


@jax.jit
def learn(weights, first, key):
    def play(seen, key):
        shown = jax.random.categorical(key, scores(weights, seen))
        like = seen, jnp.zeros(N_ENVS), jnp.zeros(N_ENVS, bool)  # what the callback returns
        after, *outcome = io_callback(step, like, shown, ordered=True)
        return after, (seen, shown, outcome)

    def add(ahead, outcome):
        return 2 * (outcome[0] + 0.95 * ahead * ~outcome[1],)

    def gained(weights):
        chances = jax.nn.log_softmax(scores(weights, seen))
        return (jnp.take_along_axis(chances, shown[..., None], 2)[..., 0] * gains).mean()

    after, (seen, shown, outcomes) = jax.lax.scan(play, first, jax.random.split(key, N_STEPS))
    returns = jax.lax.scan(add, jnp.zeros(N_ENVS), outcomes, reverse=True)[1]
    gains = (returns - returns.mean(1, keepdims=True)) / returns.std()
    return jax.tree.map(jnp.add, weights, jax.grad(gained)(weights)), after


for key in keys:
    weights, seen = learn(weights, seen, key)
rate = N_ENVS * N_STEPS * N_UPDATES / (time.perf_counter() - start)
agents = lambda seen: scores(weights, seen["candidates"]).argmax(1), make_agent("uniform", people)
learned, uniform = (evaluate(each, ID, n_episodes=500, seed=9_000).return_mean for each in agents)
print(f"JAX: learned {learned:,.0f} a session, uniform {uniform:,.0f}, {rate:,.0f} steps/s")
assert learned > uniform, "it did not learn"
