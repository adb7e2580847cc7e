"""Use cases of everything that is sent: webhooks, notifications, recipients."""
