"""What the checks of the models raise, with the keys that it is about."""

from rollback_drills.documents.duplicate_keys import Location


class UnfitKeysError(ValueError):
    """Keys of an object that do not fit together; knows which, for messages that name each mistake once."""

    def __init__(self, what: str, *about: str | Location, at: Location = ()) -> None:
        """Keep what a message needs.

        Args:
            what: What is wrong, and the remedy.
            about: The keys at which the check looked.
            at: Where in the object it is wrong; empty if `what` begins with the key, or for the object.
        """
        super().__init__(what)
        self.about: tuple[Location, ...] = tuple((each,) if isinstance(each, str) else each for each in about)
        self.at = at
