"""ServiceNow: a record for each cycle and owner."""

from blocks.servicenow.connector import ServiceNowConnector

__all__ = ["ServiceNowConnector"]
