"""Check of a changed knowledge base: defects of its guides, and what sessions cost with the new ones and with the old."""
