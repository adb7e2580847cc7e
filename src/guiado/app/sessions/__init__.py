"""Use cases of a session: from the customer's words to the solution or to a person."""
