"""Agents whose learning is Stable-Baselines3's."""
