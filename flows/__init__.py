"""The flows of Prefect, each with a deployment of its name, and what they share."""
