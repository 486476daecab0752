"""Apprise: every service that it can reach, by its Apprise URL."""

from blocks.apprise.connector import AppriseConnector

__all__ = ["AppriseConnector"]
