"""How fast the library is, each figure beside a reference that was measured in the same run."""
