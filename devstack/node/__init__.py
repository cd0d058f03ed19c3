"""A real one-node Kubernetes on this machine, without any image registry: kubelet, containerd, Services, DNS.

For what only pods can show: images, probes, rolling upgrades, `helm install --wait`. Root on Debian is needed. The
everyday stack (devstack/stack.py) has an API server alone and needs none of this. Every server of the node listens on
a bridge of the node's own, which no other machine can see.
"""
