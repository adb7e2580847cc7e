"""Sources of guides: each publishes its own guides."""
