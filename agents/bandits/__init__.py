"""Bandits: agents that estimate the reward of the next slate and explore."""
