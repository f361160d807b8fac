"""The OCI distribution specification held against a real server with auth on.

`checklist` has the specification's lines, `cases` a table of rows for them, `test_cases` plays the table. What no row
can say (threads, cut connections, servers with other settings) is in the other `test_*` modules, and
`test_official_program` runs the specification's own program where the machine has it.
"""
