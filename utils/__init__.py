"""What a person runs, beside the stock tools: the loader, and the command that runs and watches."""
