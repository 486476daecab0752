"""What is sent: notifications, their reasons, states, outcomes and results."""
