"""Templates: texts in which `{name}` stands for a column, `{{` and `}}` for braces."""

import re

_PLACEHOLDER = re.compile(r"\{\{|\}\}|\{([^{}]+)\}|[{}]|[^{}]+")


def parts(template: str) -> list[tuple[str, bool]]:
    """The template's parts in order: (text, False) or (column's name, True). Raises ValueError for a brace that is alone."""
    found: list[tuple[str, bool]] = []
    for match in _PLACEHOLDER.finditer(template):
        if match[1] is not None:
            found.append((match[1], True))
        elif match[0] in ("{", "}"):
            raise ValueError("a brace stands alone: {column} names a column, {{ and }} are braces")
        else:
            found.append((match[0].replace("{{", "{").replace("}}", "}"), False))
    return found


def names(template: str) -> list[str]:
    """The columns that the template names."""
    return [text for text, is_column in parts(template) if is_column]
