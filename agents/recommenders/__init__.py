"""The classics: recommenders that are fitted to a table of who liked what."""
