"""How the flows run: deployed to a work pool (`drills deploy`), or served by one process (`drills serve`)."""
