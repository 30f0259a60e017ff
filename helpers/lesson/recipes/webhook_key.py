"""The key of a custom allocation's webhook: the names of its field and of its environment variable."""

__all__ = ["WEBHOOK_KEY_FIELD", "WEBHOOK_KEY_VARIABLE"]

WEBHOOK_KEY_FIELD = "Webhook's key"
WEBHOOK_KEY_VARIABLE = "WEBHOOK_KEY"
