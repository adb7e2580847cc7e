"""The knowledge base as public pages: the list of problems, a page for each, and what search engines read."""
