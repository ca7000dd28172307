"""STIX 2.1 made of a MISP event, for every action that speaks it. Needs misp-stix, the extra [stix].

    from misp_workflow.delivery import stix

    made = stix.convert({"Event": event}, withdrawn=("uuid of an attribute", ...), at=seconds)
    made.bundle                 {"type": "bundle", "id": "bundle--<event uuid>", "objects": [...]}
    made.of(attribute_uuid)     the objects about one attribute, and all that they refer to
    made.report()               what of the event no attribute brings: its report, creator, galaxies, markings
    made.left_out               {attribute uuid: why}, what misp-stix would have left out without a word

Whoever calls it is a transport: an effect carries the event as it was cleared, and the conversion is made when it is
sent. It takes some three seconds to load the library once in a process (in a thread of its own: `ready` says whether it
is there before a deadline) and about two milliseconds for an attribute, so an effect that holds more than
`MOST_CONVERTED_IN_TIME` is for the background (`Effect.outbox_only`). It asks nobody, and never goes out.

The same event gives the same bundle: ids are made of MISP's uuids, times of MISP's timestamps, nothing of now. What the
library does in silence is mended before (`normal`) or afterwards (`marked`, `patterns`): an attribute that is deleted,
or named in `withdrawn`, is an indicator with `revoked` true and a later `modified`; `to_ids` is a boolean whatever its
spelling; TLP and PAP of the event and of each attribute, however they are written, mark every object that says
something of it; a pattern finds what its own attribute observed.

Raises `StixMissingError` when the library is not installed, `StixError` when it cannot make anything of the event; both
are sentences without a value of the event in them.
"""

from misp_workflow.delivery.stix.conversion import Converted, StixError, StixMissingError, bundle, convert, ready, stub
from misp_workflow.delivery.stix.observables import named_by_content

__all__ = ["Converted", "StixError", "StixMissingError", "bundle", "convert", "named_by_content", "ready", "stub"]
