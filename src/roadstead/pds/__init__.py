"""The embedded PDS: AT Protocol repositories in this server's SQL, their firehose, and the XRPC surface over them.

    memory         what a process remembers: decoded tree nodes, signers
    repositories   one signed commit for many writes; founding and dissolving an account's repository
    records        reading records and blocks
    blobs          which blobs an account's PDS has, and which records need them
    events         the firehose's backlog
    record_store   what the registry sees of all this
    rehost         a new host for all accounts
    xrpc/          the HTTP methods, a file per namespace

What a repository, a tree, a commit and an event *are* is decided in `roadstead.core`; here they are stored and served.
"""
