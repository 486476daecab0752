"""Verifies the ledger, in a database or in an export: what was done to it, and to which row."""
