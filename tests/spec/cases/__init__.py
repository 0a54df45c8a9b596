"""The vectors, by area."""
