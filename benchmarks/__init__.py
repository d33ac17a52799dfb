"""Benchmarks of the local AWS beside stock MiniStack and moto; ``python -m benchmarks`` runs them."""
