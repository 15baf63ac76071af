"""One simulation of very many people: in blocks, by any number of processes, with one report."""
