"""Prefect blocks: the configuration of every connector, and one conversation with its provider."""
