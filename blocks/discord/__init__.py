"""Discord, through a webhook."""

from blocks.discord.connector import DiscordConnector

__all__ = ["DiscordConnector"]
