"""What the AT Protocol names: identities, records, the Merkle Search Tree, commits, CAR files, the firehose."""
