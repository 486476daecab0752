"""Runs the rules ahead of time: who would be notified of what, when and through what."""
