"""The SQL behind everything: tables, transactions and the queries that more than one feature needs.

SQLite by default, PostgreSQL by URL. This adapter knows rows; what they mean is decided elsewhere.
"""
