"""Apprise: whatever it can reach, by one of its URLs."""

from blocks.apprise.connector import AppriseConnector

__all__ = ["AppriseConnector"]
