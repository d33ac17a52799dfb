"""What the workflows with a Distributed Map share: the map, its children's states, the summary."""
