"""Access: who may do what, and the personal data of customers."""
