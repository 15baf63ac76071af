"""Plain functions rebound and compiled, and kept on disk; nobody needs to read it to use it."""
