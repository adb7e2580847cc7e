"""Semantic detection: encoders, their vectors and the search among them."""
