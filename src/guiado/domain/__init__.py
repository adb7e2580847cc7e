"""The domain model, without input or output: guides, sessions, answers, events, and the rules of a session.

Of the standard library it uses nothing that reads the clock or the disk, or draws random numbers.
"""
