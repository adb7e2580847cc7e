"""Text handling, pure: folding, tokens, stems, repair, language and redaction."""
