"""Whether people fitted to the log of one recommender act alike under another."""
