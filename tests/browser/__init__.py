"""Try the whole thing in a real browser."""
