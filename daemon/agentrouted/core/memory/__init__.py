"""Memory: facts and conversations that outlive a run."""
