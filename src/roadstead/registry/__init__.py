"""The OCI Distribution API: names, manifests, tags, referrers and blobs of accounts' repositories."""
