"""The JSON API: one module per resource, one mapping of errors."""
