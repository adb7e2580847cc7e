"""The guide's paths: knowledge base, SQL and re-exports. No logic lives here."""
