"""Whether a message along each route reaches somebody: the monthly drill, and what it has found."""
