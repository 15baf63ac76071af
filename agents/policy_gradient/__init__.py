"""Policy gradients of our own: what was seen is kept as the network takes it."""
