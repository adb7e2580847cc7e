"""The JSON door: one module per resource, one mapping of errors."""
