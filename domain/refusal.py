"""Why a report could not be recorded at all. A refusal carries names and places, never what the report said."""


class Refusal(Exception):
    """A report that cannot be recorded. `pointer` is the JSON pointer (RFC 6901) of the place, "" for the whole."""

    def __init__(self, message: str, pointer: str = "") -> None:
        super().__init__(message)
        self.message = message
        self.pointer = pointer

    @property
    def name(self) -> str:
        """The reason, as it stands in quarantine, metrics and answers."""
        return type(self).__name__


class MalformedJson(Refusal):
    """The bytes are no JSON (RFC 8259), or JSON that means different things to different readers."""


class TooLarge(Refusal):
    """The report has more bytes than the ledger takes."""


class MalformedEnvelope(Refusal):
    """A CloudEvents attribute is missing, unknown or of the wrong form."""


class UnknownType(Refusal):
    """The type is no released kind."""


class ReservedType(Refusal):
    """The kind, or the source, is the ledger's own: only its clock reports it."""


class MalformedData(Refusal):
    """The data does not say what facts of this kind say."""


class InTheFuture(Refusal):
    """The report tells of something that has not happened yet."""


class SameIdOtherContent(Refusal):
    """This (source, id) was recorded before and said something else."""


class StreamIsFull(Refusal):
    """The stream holds as many facts as a stream may."""
