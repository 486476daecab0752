"""Connectors: their types, entries and the configuration file."""
