"""The one table of peers: name, where it comes from, version, and the file that shows it is there."""

from pathlib import Path

from tests.peers.debian import DebianPackage
from tests.peers.golang import GoProgram
from tests.peers.node import NodeProgram
from tests.peers.source import Peer

_HERE = Path(__file__).parent

PEERS = {
    peer.name: peer
    for peer in (
        # Clients
        Peer("skopeo", DebianPackage("skopeo", "1.9.3", Path("/usr/bin/skopeo"))),
        Peer("podman", DebianPackage("podman", "4.3.1", Path("/usr/bin/podman"))),
        Peer("buildah", DebianPackage("buildah", "1.28.2", Path("/usr/bin/buildah"))),
        Peer("docker", DebianPackage("docker.io", "20.10.24", Path("/usr/bin/docker"))),
        Peer("dockerd", DebianPackage("docker.io", "20.10.24", Path("/usr/sbin/dockerd"))),
        Peer("ctr", DebianPackage("containerd", "1.6.20", Path("/usr/bin/ctr"))),
        Peer("containerd", DebianPackage("containerd", "1.6.20", Path("/usr/bin/containerd"))),
        Peer("crane", GoProgram("github.com/google/go-containerregistry/cmd/crane", "0.22.1")),
        Peer("regctl", GoProgram("github.com/regclient/regclient/cmd/regctl", "0.11.7")),
        Peer("helm", GoProgram("helm.sh/helm/v3/cmd/helm", "3.16.4")),
        Peer("cosign", GoProgram("github.com/sigstore/cosign/v2/cmd/cosign", "2.4.1")),
        # Servers
        Peer("distribution", GoProgram("github.com/distribution/distribution/v3/cmd/registry", "3.1.1")),
        Peer("postgresql", DebianPackage("postgresql-15", "15", Path("/usr/lib/postgresql/15/bin/initdb"))),
        Peer("nginx", DebianPackage("nginx-light", "1.22.1", Path("/usr/sbin/nginx"))),
        Peer("caddy", DebianPackage("caddy", "2.6.2", Path("/usr/bin/caddy"))),
        # What they stand on
        Peer("runc", DebianPackage("runc", "1.1.5", Path("/usr/sbin/runc"))),
        Peer("busybox", DebianPackage("busybox-static", "1.35.0", Path("/usr/bin/busybox"))),
        Peer("iproute2", DebianPackage("iproute2", "6.1.0", Path("/usr/sbin/ip"))),
        # Who takes the examples
        Peer("docker-compose", DebianPackage("docker-compose", "1.29.2", Path("/usr/bin/docker-compose"))),
        Peer("systemd", DebianPackage("systemd", "252", Path("/usr/bin/systemd-analyze"))),
        # Referees and yardsticks
        Peer("atproto", NodeProgram(_HERE / "atproto", "verify.mjs", "0.9.1")),
        Peer("ab", DebianPackage("apache2-utils", "2.4", Path("/usr/bin/ab"))),
        Peer("wrk", DebianPackage("wrk", "4.1.0", Path("/usr/bin/wrk"))),
    )
}
