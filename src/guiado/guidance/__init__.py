"""Guidance, pure: questions, steps already tried and their recognition."""
