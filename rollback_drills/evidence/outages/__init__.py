"""Outages of connectors: when one begins and ends, and what it kept from its owners."""
