"""What a request is, where it goes, what comes of it, and how it is written down."""
