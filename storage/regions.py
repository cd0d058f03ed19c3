"""Settings of the object stores of several regions: that of the home region, and one for each of the others.

The home region has the variables that an installation with one region has, ``S3_…``; every other region the same ones
behind its own prefix, such as ``REGION_FRA1_S3_…``.
"""

import os
import re
import sys
from collections.abc import Iterable, Mapping

from domain.regions import variable_prefix
from runtime.secret_files import credential_files, credentials_dir
from runtime.settings import read_settings
from storage.private_reads import require_private_reads
from storage.settings import API_KEYS, StorageSettings, require_narrow_keys

_S3 = "S3_"
_OF_A_REGION = re.compile(rf"REGION_\w+_{_S3}\w+")


def read_stores(
    home: str, others: Iterable[str], *, process: str, plays_private: bool = False
) -> Mapping[str, StorageSettings]:
    """Return the stores by region, the home region first. If that fails, exits with one line that names the setting.

    ``home``: the name of the home region; empty for that of its bucket. ``plays_private``: whether URLs of private
    files are signed, which needs a key for it.
    """
    own = read_settings(StorageSettings, process=process)
    require_narrow_keys(own, API_KEYS, peer=own.signing_endpoint, process=process)
    stores = {home or own.region: own}
    for region in others:
        if region in stores:
            sys.exit(f"{process} cannot start: REGIONS: {region} is the home region, whose variables are S3_…")
        prefix = variable_prefix(region) + _S3
        stores[region] = read_settings(StorageSettings, process=process, prefix=prefix)
        peer = stores[region].signing_endpoint
        require_narrow_keys(stores[region], API_KEYS, peer=peer, process=process, prefix=prefix)
    if plays_private:
        for prefix, store in by_prefix(stores).items():
            require_private_reads(store, process=process, prefix=prefix)
    _refuse_strays(tuple(stores)[1:], process)
    return stores


def by_prefix(stores: Mapping[str, StorageSettings]) -> Mapping[str, StorageSettings]:
    """Return the stores by how their variables begin. The first one is the home region's."""
    home, *others = stores
    return {_S3: stores[home], **{variable_prefix(region) + _S3: stores[region] for region in others}}


def _refuse_strays(regions: tuple[str, ...], process: str) -> None:
    """Exit if a variable describes a region that is not configured, or says something that no region has."""
    known = {
        f"{variable_prefix(region)}{_S3}{field.upper()}" for region in regions for field in StorageSettings.model_fields
    }
    directory = credentials_dir()
    given = {name.upper() for name in os.environ} | {
        file.name.upper() for file in (credential_files(directory) if directory else ())
    }
    strays = sorted(name for name in given - known if _OF_A_REGION.fullmatch(name))
    if strays:
        sys.exit(f"{process} cannot start: {', '.join(strays)}: no region of REGIONS has such a setting")
