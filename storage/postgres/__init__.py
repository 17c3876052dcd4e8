"""Postgres behind the ports: one repository per aggregate, its SQL in `storage/sql/` under the same name."""
