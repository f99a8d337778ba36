"""The version of the distribution, readable without looking it up among the installed packages."""

__version__ = "0.1.0"
