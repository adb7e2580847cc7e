"""Use cases of analytics: reports over sessions."""
