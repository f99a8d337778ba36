"""OAuth: signing in, the token endpoint, and refreshes that lose no login."""
