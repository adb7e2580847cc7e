"""Everything that lasts. The only package that speaks to the database driver."""
