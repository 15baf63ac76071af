"""A comparison of agents: what it consists of, one run of it, and all of them."""
