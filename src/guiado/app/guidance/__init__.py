"""Guidance of sessions: from guides and recorded sessions to what their order of steps is computed from."""
