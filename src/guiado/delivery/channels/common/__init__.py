"""Shared by several channels: messages, addresses, and the ways out over HTTP and SMTP."""
