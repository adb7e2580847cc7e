"""Guidance, without input or output: the choice of a clarifying question, and the recognition of steps already tried."""
