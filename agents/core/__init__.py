"""What agents are: the interface, the loop, what they are told, and what they keep."""
