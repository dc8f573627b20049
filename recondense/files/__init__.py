"""Files of every kind: strict JSON, tables, hashes, secrets, locks."""
