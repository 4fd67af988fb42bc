"""What hosted models cost, as genai-prices lists it."""
