"""A synthetic year: believable sessions of a support desk, made by the session's own state machine."""
