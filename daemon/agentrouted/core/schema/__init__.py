"""Whether a value fits a JSON Schema, safely coerced first."""
