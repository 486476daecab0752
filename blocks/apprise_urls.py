"""Keeps the import path of AppriseConnector, which code outside this project uses."""

from blocks.apprise.connector import AppriseConnector

__all__ = ["AppriseConnector"]
