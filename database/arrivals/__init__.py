"""How long studies with new images are waited for, and what senders have taught."""
