"""Storage in PostgreSQL, and the only package that uses the database driver."""
