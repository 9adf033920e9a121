"""Jobs on Kubernetes: a RayJob of KubeRay, brought there by kubectl."""
