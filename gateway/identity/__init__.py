"""Finds out who asks: passwords, access tokens, refresh tokens and API keys."""
