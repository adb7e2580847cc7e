"""Routes of sessions, and their answers beside the read models of `app.sessions`."""
