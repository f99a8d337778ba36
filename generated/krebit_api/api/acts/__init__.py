# Generated from openapi.yaml by `make regenerate`; do not edit.
"""Contains endpoint functions for accessing the API"""
