"""Schemes as JSON."""

from collections.abc import Mapping
from dataclasses import fields
from typing import Any

from encoders.scan.numbers import Protect
from tokenkit.numbers.schemes import L2R, R2L, TST, Digits, Scheme

_KINDS: dict[str, type[Scheme]] = {kind.__name__: kind for kind in (TST, R2L, L2R, Digits)}


def scheme_to_json(scheme: Scheme) -> dict[str, Any]:
    """The class's name and all fields; what is protected, by names."""
    entries = {field.name: getattr(scheme, field.name) for field in fields(scheme)}
    names = sorted(str(flag.name) for flag in scheme.protect)
    return {"scheme": type(scheme).__name__, **entries, "protect": names}


def scheme_from_json(entry: Mapping[str, Any]) -> Scheme:
    """The scheme again. Raises ValueError, KeyError or TypeError for what is none."""
    rest = dict(entry)
    kind = _KINDS[rest.pop("scheme")]
    protect = Protect(0)
    for name in rest.pop("protect"):
        protect |= Protect[name]
    return kind(protect=protect, **rest)
