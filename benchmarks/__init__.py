"""Measurements that back what the documentation claims. Each script is one command and writes into docs/results/."""
