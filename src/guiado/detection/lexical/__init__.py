"""Lexical detection: words, their frequencies, slips and the ranking by them."""
