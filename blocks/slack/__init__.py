"""Slack, through an incoming webhook or a bot."""

from blocks.slack.webhook import SlackConnector

__all__ = ["SlackConnector"]
