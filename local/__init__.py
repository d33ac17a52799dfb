"""The local AWS: MiniStack with the control flow that it lacks. Run ``python -m local``."""
