"""Tests of walks through lists, and of plain rows."""
