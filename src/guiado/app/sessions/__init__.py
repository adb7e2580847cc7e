"""Use cases of a session: from the customer's words to solved or a person."""
