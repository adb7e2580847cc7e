"""Use cases of the knowledge base: reading, checking, publishing, templates."""
