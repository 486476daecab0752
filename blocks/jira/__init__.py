"""Jira: an issue for each cycle and owner."""

from blocks.jira.connector import JiraConnector

__all__ = ["JiraConnector"]
