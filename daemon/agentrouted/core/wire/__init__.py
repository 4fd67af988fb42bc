"""Model servers: what they are sent, what comes back."""
