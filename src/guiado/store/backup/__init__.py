"""Backup of a database, its restoration, and the upgrade to a newer PostgreSQL.

archive           the backup file: an archive of pg_dump, followed by a manifest that seals it
row_counts        rows, sizes and schema of a database, to compare a backup with its original
pg_programs       PostgreSQL's own client programs, and their output
column_options    removes column options from a dump that only some versions of PostgreSQL know
dump              makes a backup while guiado runs
scratch_database  a temporary database beside the current one
restore           fills a temporary database from a backup and swaps it with the current one
upgrade           moves the embedded cluster to a newer major version
"""
