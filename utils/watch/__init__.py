"""Following an execution: its history over the API, as rows of items, and as what a person sees."""
