"""The customer's pages: start, the session behind a customer link, step by step; they need neither a script nor a cookie.

The token in the path is the credential, so that the pages work in a frame where the browser refuses cookies, and no other page
can send their forms. Every form leads to an address that shows how things stand, so that going back and loading again do no harm.

Source: contract.md §6, rule 11; ADR 0035 and 0038.
"""
