"""Routes of sessions, and what they answer beside the read models of `app.sessions`."""
