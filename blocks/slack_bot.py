"""Keeps the import path of SlackBotConnector, which code outside this project uses."""

from blocks.slack.bot import SlackBotConnector

__all__ = ["SlackBotConnector"]
