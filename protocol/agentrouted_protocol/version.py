"""The version of the distribution and of the contract."""

__version__ = "0.1.0"

PROTOCOL_VERSION = 1
MIN_PROTOCOL_VERSION = 1
