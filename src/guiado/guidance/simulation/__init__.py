"""Simulated guides and customers, with the exact optimum, that an engine of guidance is measured against."""
