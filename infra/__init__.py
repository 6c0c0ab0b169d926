"""Everything that touches the world: databases, HTTP, the command line, files, settings, logs."""
