"""Routes of webhooks, notifications and recipients, and what they answer beside the read models of `app.outbound`."""
