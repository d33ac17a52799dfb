"""The services outside, as the stand-ins promise that they are, with books of their own."""


class Outside:
    """A payment provider, a warehouse and a carrier that know what was done under each key.

    Whoever asks twice for the same gets the same; what was called off cannot be asked for again.
    """

    def __init__(self, errors):
        self._errors = errors
        self.charges, self.voided, self.refunds = {}, set(), {}
        self.packed, self.unpacked = set(), set()
        self.delivered, self.cancelled = set(), set()

    def install(self, modules, patch, around=lambda call: call):
        """Put the calls in the place of the stand-ins'; ``around`` may wrap each."""
        for module, names in (
            (modules.payment_provider, ("charge", "void", "refund")),
            (modules.warehouse, ("prepare", "take_back")),
            (modules.carrier, ("start_delivery", "cancel_delivery")),
        ):
            for name in names:
                patch.setattr(module, name, around(getattr(self, name)))

    def paid(self, order_id):
        """What the customer's bank has paid for an order."""
        if order_id in self.voided:
            return 0
        refunds = sum(amount for key, amount in self.refunds.items() if key.startswith(f"{order_id}/"))
        return self.charges.get(order_id, 0) - refunds

    def charge(self, key, _method, amount):
        if key in self.voided:
            raise self._errors.PaymentRefused(f"{key} was voided")
        assert self.charges.setdefault(key, amount) == amount, f"{key} is charged twice"
        return f"charge-{key}"

    def void(self, key):
        self.voided.add(key)

    def refund(self, key, charge_id, amount):
        assert charge_id == f"charge-{key.split('/')[0]}"
        assert self.refunds.setdefault(key, amount) == amount, f"{key} is refunded twice"
        return f"refund-{key}"

    def prepare(self, key, _item):
        if key in self.unpacked:
            raise self._errors.PreparationRefused(f"{key} was taken back")
        self.packed.add(key)
        return f"package-{key}"

    def take_back(self, key):
        self.packed.discard(key)
        self.unpacked.add(key)

    def start_delivery(self, key, package_id, _address, _speed):
        if key in self.cancelled:
            raise self._errors.DeliveryRefused(f"{key} was cancelled")
        assert package_id == f"package-{key}"
        assert key in self.packed, f"{key} is delivered without a package"
        self.delivered.add(key)
        return f"tracking-{key}"

    def cancel_delivery(self, key):
        self.delivered.discard(key)
        self.cancelled.add(key)
