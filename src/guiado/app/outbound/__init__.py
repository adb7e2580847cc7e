"""Use cases of outbound work: webhooks, notifications, recipients."""
