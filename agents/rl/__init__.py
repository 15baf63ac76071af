"""Reinforcement learning of our own: values and policies of slates."""
