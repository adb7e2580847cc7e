"""Exporters of guides, one module for each kind of format; see `exporting`."""
