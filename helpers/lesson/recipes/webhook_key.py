"""The key for the webhook of a custom allocation: the names of its form field and of its environment variable."""

__all__ = ["WEBHOOK_KEY_FIELD", "WEBHOOK_KEY_VARIABLE"]

WEBHOOK_KEY_FIELD = "Webhook's key"
WEBHOOK_KEY_VARIABLE = "WEBHOOK_KEY"
