"""The Prefect flows of this project: a hospital may edit them, they are hers."""
