"""Networks that treat all candidates alike, and the base of the agents that train them."""
