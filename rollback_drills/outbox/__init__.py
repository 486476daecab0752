"""The outbox: every notification is committed here before it is sent, and its outcome after."""
