"""The website: what `make docs` builds from the repository's own texts and code."""
