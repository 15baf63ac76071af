"""How people and items are worded and drawn: only `render` needs it."""
