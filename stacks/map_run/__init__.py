"""What the workflows with a Distributed Map share: buckets, the map, its children's states, the summary."""
