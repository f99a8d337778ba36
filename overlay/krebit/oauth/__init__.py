"""OAuth: signing in, and a login that is never lost."""
