"""Questions and their answers. A question is asked of a `Moment`: the views now, or the views of any moment in the past.

moment      what is asked: the views as they are, as of a moment, or as they were known at a moment
answers     the form of every question and answer
paging      lists that come in pages
standings   what streams amounted to, for what the views do not hold
parties, promises, incidents, feedback, timeline, entries
            one list each, and one party in short
trust, layers
            how far a party can trust us, how deep it goes, and why; grounds: the entries behind each condition of a layer
company     the company view of one party from our seat; next_steps: what to do next
theirs      the company view from the party's own seat
status      how far everything has come; front: a few numbers for the front page
quarantine  what was refused, and trying it again; receipt: receipts, as answers show them
ranking     the table of parties by trust, layer and what is overdue
"""
