"""Sources of guides: each publishes what it brings."""
