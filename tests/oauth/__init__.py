"""Tests of the login: signing in, refreshing, storing, and what may not be lost."""
