"""Entries into files, and from files: what `troth export` writes, and what `troth replay` reads of it.

export      the loop: all of the record, as far as it reached when it began
whole       a file that is there whole or not at all
manifest    what stands beside an exported file: what it holds, and the hashes that it is checked by
jsonl       one entry a line, as on Kafka
parquet     columns; of use only where the extra `parquet` is installed, as the two below
columns     what follows what in them: positions, and the versions of every stream
telescope   many entries folded at once, from the ends of their streams alone
files       opens an exported file, whichever form it has
"""
