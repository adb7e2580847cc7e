"""A database for life: copies of it, the way back from a copy, and the way to a newer PostgreSQL.

archive   the file of a copy: what pg_dump wrote, sealed at its end by a manifest
census    what a database holds: rows, sizes, schema; what "the same" is measured by
clients   PostgreSQL's own client programs, and what they say
column_options  what only one minor version of PostgreSQL understands, taken out of a dump
dump      makes a copy while everything runs
scratch   a database beside the current one, gone again whatever happens
restore   fills one from a copy and puts it in the current one's place
upgrade   moves the embedded cluster to a newer major version
"""
