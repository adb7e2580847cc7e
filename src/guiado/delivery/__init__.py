"""Everything that leaves the house: the guarded HTTP client, signatures, message templates, channels."""
