"""The entries as a projector reads them: the partitions that its group gives to it, each from where its views stand."""

from collections.abc import Mapping, Sequence

from kafka.consumer.fetcher import ConsumerRecord

from consumers.ports import BrokenRecord, Reached, Run
from infra.kafka.chain import ANEW, Chain
from infra.kafka.consumer import GONE
from infra.kafka.group import Group
from infra.kafka.topics import names
from infra.settings import Settings

NOWHERE = -1


class GroupFeed:
    """The port Feed on the consumer group `<ledger>.projector`.

    Where there is nothing, `take` waits for as long as the settings say between two looks: who drives it need not wait.
    """

    def __init__(self, settings: Settings) -> None:
        """Join the group. Raises UnfitTopic or NoBroker."""
        topic = names(settings.ledger).entries
        self._topic = topic
        self._group = Group(settings, "projector", topic)
        self.partitions: Sequence[int] = self._group.partitions
        self._chains = {each: Chain(topic, each) for each in self.partitions}
        self.more = False

    def close(self) -> None:
        """Leave the group."""
        self._group.close()

    def assigned(self) -> set[int]:
        """The partitions that are read here now; what is being built of them may be read elsewhere, by an AssignedFeed."""
        return self._group.assigned()

    def take(self, reached: Mapping[int, Reached], limit: int) -> Sequence[Run]:
        """What follows in the partitions that are ours. Raises BrokenRecord.

        Partitions that were dealt to us are read from the next call on that knows how far the views have come by then: whoever
        had them may have moved them.
        """
        self.more = False
        if self._dealt():
            return ()
        ours = self._group.assigned() & reached.keys()
        self._seek({each: reached[each] for each in ours if self._chains[each].position != reached[each].position})
        try:
            found = self._group.poll(ours, limit)
        except GONE as gone:
            raise BrokenRecord(f"{self._topic}: {type(gone).__name__}: {gone}; {ANEW}") from gone
        if self._dealt():
            return ()
        runs = [run for partition, records in found.items() for run in self._runs(partition, records, reached[partition])]
        for silent in ours - found.keys():
            self._chains[silent].look()
        self.more = any(self._group.behind(each, self._chains[each].offset) for each in ours)
        return runs

    def ends(self) -> Mapping[int, int]:
        """The offset behind the last entry of every partition, as it is now."""
        return self._group.ends()

    def broken(self, what: str) -> BrokenRecord:
        """The topic is not what the relay published."""
        return BrokenRecord(f"{self._topic}: {what}; {ANEW}")

    def done(self) -> None:
        """Say to Kafka how far the views have come, for those who watch how far behind they are."""
        self._group.commit({each: chain.offset for each, chain in self._chains.items() if chain.position != NOWHERE})

    def _dealt(self) -> bool:
        """Whether partitions were dealt out since: then where each of them is read is to be asked of the views."""
        if not self._group.dealt():
            return False
        for each in self._chains.values():
            each.position = NOWHERE
        return True

    def _seek(self, sought: Mapping[int, Reached]) -> None:
        if not sought:
            return
        bounds = self._group.bounds(sought)
        for partition, reached in sought.items():
            self._group.seek(partition, self._chains[partition].begin(reached, *bounds[partition]))

    def _runs(self, partition: int, records: list[ConsumerRecord], reached: Reached) -> list[Run]:
        chain = self._chains[partition]
        linked = chain.link([each.value for each in records], [each.offset for each in records])
        if linked is None:
            self._group.seek(partition, chain.offset)
        return [Run(partition, reached.position, linked, chain.offset)] if linked else []
