"""The PDS's HTTP surface (AT Protocol XRPC and HTTP API): a file per namespace.

call        a request: its parameters and body, bounded
errors      the one map from our errors to XRPC's
methods     the table of methods, and what answers a request of one
server      com.atproto.server.*
repo        com.atproto.repo.*
sync        com.atproto.sync.*, but for
subscribe   com.atproto.sync.subscribeRepos
identity    com.atproto.identity.*, and what is well known of a host
routes      all of it, for the server's composition
"""
