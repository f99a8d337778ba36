"""Signing in at a terminal."""
