"""RL Baselines3 Zoo tunes DQN with Optuna, and trains it by settings in YAML.

What this runs, by hand and with more trials: python -m rl_zoo3.train --algo dqn --conf-file dqn.yml
--env recsim_env/InterestExploration-v0 --gym-packages recsim_env --optimize --n-trials 50
"""

# /// script
# requires-python = ">=3.11"
# dependencies = ["recsim-env[agents]", "gymnasium", "optuna", "pandas", "rl-zoo3"]
# ///

import subprocess
import sys
import time
from pathlib import Path

import gymnasium
from stable_baselines3 import DQN

from recsim_env.agents import make_agent
from recsim_env.benchmark import evaluate

ID, N_STEPS = "recsim_env:recsim_env/InterestExploration-v0", 16_000
NAME = ID.partition("/")[2]
SETTINGS = f"""
recsim_env/{NAME}:
  policy: recsim_env.agents.frameworks.sb3.CandidateQPolicy
  policy_kwargs: "dict(width=32)"
  n_envs: 16
  n_timesteps: {N_STEPS}
  learning_rate: 0.001
  gamma: 0.5
  batch_size: 256
  train_freq: 1
  target_update_interval: 1600
  exploration_fraction: 0.3
"""
Path("dqn.yml").write_text(SETTINGS, encoding="utf-8")


def train(*options):
    names = ["--algo", "dqn", "--env", f"recsim_env/{NAME}", "--gym-packages", "recsim_env"]
    command = [sys.executable, "-m", "rl_zoo3.train", *names, "--conf-file", "dqn.yml", *options]
    subprocess.run([*command, "--seed", "0", "--eval-freq", "-1", "--verbose", "0"], check=True)


tuning = ["--n-trials", "2", "--n-timesteps", "1000", "--n-evaluations", "1", "--no-optim-plots"]
train("--optimize", *tuning)
start = time.perf_counter()
train()
rate = N_STEPS / (time.perf_counter() - start)
newest = max(Path("logs").rglob("*.zip"), key=lambda file: file.stat().st_mtime)
model = DQN.load(newest)
agents = model, make_agent("uniform", gymnasium.make_vec(ID))
learned, uniform = (evaluate(each, ID, n_episodes=500, seed=9_000).return_mean for each in agents)
print(f"Zoo DQN: learned {learned:,.1f} a session, uniform {uniform:,.1f}, {rate:,.0f} steps/s")
assert learned > uniform, "it did not learn"
