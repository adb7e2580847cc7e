"""What guiado is about, without any input or output: guides, sessions, answers, events and the rule that joins them.

Only the standard library, and of that nothing that reads the clock, the disk or chance.
"""
