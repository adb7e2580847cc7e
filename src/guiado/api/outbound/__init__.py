"""Routes of webhooks, notifications and recipients, and their answers beside the read models of `app.outbound`."""
