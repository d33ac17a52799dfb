"""The order workflow: an order is paid, its items are fulfilled in parallel, and the customer hears once."""
