"""The order of guides: what is known of it, and the rules about it."""
