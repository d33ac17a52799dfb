"""The jobs of the workflow `queueFanIn`, as the commands show them."""
