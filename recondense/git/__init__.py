"""What recondense asks of git, and what it commits."""
