"""Reading files into reports: `troth import FILE --map MAP.toml`.

mapping     the declarative map: which columns say which facts, and how times, ids and values are read
templates   texts in which a column's name stands for what it says
loading     finding a map by its name or its path, and saying what is wrong with one and where
localtime   local time texts into instants, with a zone and a rule for clock changes
cells       one row's columns into typed values
conditions  when a row states a fact
rows        CSV, JSONL and CloudEvents files into rows, each with its line number
elements    the elements of a JSON array, one by one, however long the array is
messages    what a fact says: templates, objects, and the CloudEvents message around them
reports     rows into CloudEvents messages, by a map
rejects     the file of the rows that could not be mapped
run         the loop: batches into intake, resumable, with rejects in a file; and the dry run
"""
