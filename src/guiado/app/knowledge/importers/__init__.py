"""Importers of guides from other formats, one module each; see `registry`."""
