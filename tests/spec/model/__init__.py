"""docs/ruleset.md as a program: what a ruleset means, without the engine's code and without its output."""
