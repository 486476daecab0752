"""GitHub: an issue for each cycle and owner."""

from blocks.github.connector import GitHubIssuesConnector

__all__ = ["GitHubIssuesConnector"]
