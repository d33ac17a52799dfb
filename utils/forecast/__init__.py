"""What a run would cost and take on AWS, read from the synthesized definitions: see utils/estimate.py."""
