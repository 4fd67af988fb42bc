"""What runs have done, kept so that they can go on."""
