"""The pages that runs leave in Prefect: which are published, under which key, and what they say."""
