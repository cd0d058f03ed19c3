"""A real one-node Kubernetes on this machine, without any image registry: kubelet, containerd, Services, DNS.

It tests what only pods can show: images, probes, rolling upgrades, `helm install --wait`. It needs root on Debian. The
everyday stack (devstack/stack.py) has only an API server and needs none of this. Every server of the node listens on a
bridge that no other machine can reach.
"""
