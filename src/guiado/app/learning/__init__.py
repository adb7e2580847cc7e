"""Use cases of learning: examples, review, evaluation, refit."""
