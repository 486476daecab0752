"""Finds mistakes in documents that need no clock: what a pre-commit hook asks."""
