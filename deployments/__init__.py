"""How the flows run: deployed to a work pool (prefect.yaml), or served by one process (serve.py)."""
