"""Pages for people: the way in, and the description of the API. Everything they need comes from this server."""
