"""Microsoft Sentinel: a row for each notification."""

from blocks.sentinel.connector import SentinelConnector

__all__ = ["SentinelConnector"]
