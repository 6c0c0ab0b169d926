"""What may be recorded, and the rules. No I/O, no clock, no randomness: time and ids come in as arguments.

instant     a moment: integer microseconds since 1970 UTC, RFC 3339 text outside
refusal     why a report could not be recorded at all
strictjson  JSON read strictly, each fault with the place where it is
report      a CloudEvents message by our own strict envelope, made into a fact
fact        what every fact has in common; stream: the facts about one promise, incident or thread
amendment   corrections and retractions: which facts of a stream count
promise, incident, feedback, interaction, party, policy
            one family each: its facts (incident's in incident_facts), its standing, the rules
kinds       every released kind, which family judges it, and what lapses when, for the clock
entry       what the ledger records: a fact, numbered, with the standing before and after
recording   how a report's fact becomes the next entry of its stream
evidence    what one standing says about trust under a policy
"""
