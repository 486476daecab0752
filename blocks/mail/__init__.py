"""Mail over SMTP."""

from blocks.mail.connector import MailConnector

__all__ = ["MailConnector"]
