"""What drives: the loops that bring reports in and project entries, and the Protocols (`ports`) of what they need.

ports       what a loop needs of the world: the log of entries, the quarantine, the views, the time
intake      weighs reports and records them, one batch a transaction
take_in     records the reports that come by partitions, each batch with how far that has been read
relay       publishes the record, each entry exactly once
project     folds entries into views from the position they have reached; together: what several projections take at once
replay      folds the record again beside what readers see, and compares; shadow: one projection of that
policy      which policy is in force
clock       records what lapses, when it lapses
"""
