"""guiado: from a customer's own words to a solved problem, step by step."""

__version__ = "5.0.0"
