"""Bars of characters."""


def bar(share: float, room: int) -> str:
    """A share of ``room`` cells, in eighths of a cell."""
    whole, eighths = divmod(round(share * room * 8), 8)
    return "█" * whole + (" ▏▎▍▌▋▊▉"[eighths] if eighths else "")
