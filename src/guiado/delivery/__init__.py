"""Outbound traffic: the guarded HTTP client, signatures, message templates, channels."""
