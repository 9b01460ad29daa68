"""What the five reports hold: their studies and the tables of each, in printed order. For tests that go over all."""


def _numbered(part: str, first: int, last: int) -> tuple[str, ...]:
    return tuple(f"T{part}.{n}" for n in range(first, last + 1))


TABLES = {
    "intensive": (*_numbered("2", 4, 9), *_numbered("3", 1, 7), "T4.1", *_numbered("II", 1, 7)),
    "instruments": tuple(f"T{n}" for n in range(1, 21)),
    "wga": (
        "TS.1", *_numbered("2", 1, 7), *_numbered("3", 1, 5), *_numbered("4", 1, 19), *_numbered("5", 1, 3),
        *_numbered("7", 1, 3), *_numbered("I", 1, 12), *_numbered("II", 1, 3), *_numbered("III", 5, 16),
    ),
    "personal": (),
    "via": (),
}  # fmt: skip
STUDIES = tuple(TABLES)
WITH_TABLES = tuple(study for study, tables in TABLES.items() if tables)
LISTS = {
    "wga": ("constructs", "decomposition", "outcomes"),
    "personal": ("facts",),
    "via": ("companions", "facts", "pilots"),
}
