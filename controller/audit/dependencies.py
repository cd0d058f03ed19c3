"""Everything the audit uses, as one value: all rows, and the whole bucket."""

from dataclasses import dataclass

from database.adoption import Adoption
from database.audit import AuditedRows
from storage.listing import Inventory
from storage.object_store import Storage


@dataclass(frozen=True)
class AuditDependencies:
    """The rows, the files of one video, the listing of the whole bucket, and what restores a row."""

    rows: AuditedRows
    storage: Storage
    inventory: Inventory
    adoption: Adoption
