"""Exports the ledger: the rows, the proof, and a report for people."""
