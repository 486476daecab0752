"""Keeps the import path of GitHubIssuesConnector, which code outside this project uses."""

from blocks.github.connector import GitHubIssuesConnector

__all__ = ["GitHubIssuesConnector"]
