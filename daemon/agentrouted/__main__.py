"""`python -m agentrouted`."""

from agentrouted.cli.boot import main

if __name__ == "__main__":
    main()
