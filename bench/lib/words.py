"""Numbers and tables as Markdown shows them. Pure."""

MB = 1e6


def number(value, digits=3):
    """Three significant digits, without exponents."""
    if value is None:
        return "–"
    if value == 0:
        return "0"
    magnitude = abs(value)
    if magnitude >= 100:
        return f"{value:,.0f}"
    decimals = 0
    while magnitude < 10 ** (digits - 1) and decimals < 6:
        magnitude *= 10
        decimals += 1
    return f"{value:.{decimals}f}"


def table(head, lines):
    if not lines:
        return []
    rule = "|" + "---|" * len(head)
    return ["| " + " | ".join(head) + " |", rule, *("| " + " | ".join(line) + " |" for line in lines), ""]


def fraction(target):
    """A target as it is spoken of: 1/12, or 3/4."""
    if target is None:
        return ""
    for below in (1, 2, 3, 4, 5, 6, 8, 12, 20, 40, 60, 500):
        above = target * below
        if abs(above - round(above)) < 1e-9:
            return f"≤ {round(above)}/{below}"
    return f"≤ {number(target)}"


def spread(ratio):
    if not ratio:
        return "–"
    return f"{number(ratio['median'])} ({number(ratio['least'])} to {number(ratio['most'])})"
