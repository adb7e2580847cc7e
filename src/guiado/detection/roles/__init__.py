"""The roles that clauses play in a message: what is wrong, what works, what is only asked."""
