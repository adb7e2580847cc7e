"""Use cases of guiado, one transaction each.

A use case takes the parts it works with, who calls, and a checked command; it knows neither HTTP nor SQL.
"""
