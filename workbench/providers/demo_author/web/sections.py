"""The parts a page may have: when a brief asks for one, and what stands in it."""

from __future__ import annotations

from collections.abc import Callable

import msgspec

from workbench.providers.demo_author.brief import Brief
from workbench.providers.demo_author.quoting import javascript
from workbench.providers.demo_author.web.offers import offers


class Section(msgspec.Struct, frozen=True, kw_only=True):
    """One part of a page: a component, fed with data that it gets under the name of a property."""

    id: str
    label: str
    component: str
    prop: str = ""
    """Property that takes the data; empty: the component reads its own."""
    interface: str = ""
    """TypeScript type of the data, whole."""
    data: str
    """TypeScript that exports the data, whole."""


def choose(brief: Brief) -> list[Section]:
    """Return the parts that `brief` asks for, at least four, contact last."""
    possible = [key for key in _KINDS if key not in brief.unwanted]
    asked = [key for key in possible if brief.has(*_KINDS[key][0])][:5]
    others = [key for key in possible if key not in asked]
    while len(asked) < 2 and others:
        asked.append(brief.pick(others, f"section {len(asked)}"))
        others.remove(asked[-1])
    return [_highlights(brief), *(_KINDS[key][1](brief) for key in asked), _contact(brief)]


def _highlights(brief: Brief) -> Section:
    closings = (
        "made with care, and explained with patience",
        "done by people who like what they do",
        "simple, honest and close to you",
        "a reason to come back",
        "better than it has to be",
        "our daily work",
    )
    cards = [
        (word.capitalize(), f"{word.capitalize()}: {closings[(brief.seed + index) % len(closings)]}.")
        for index, word in enumerate(brief.words[:6])
    ]
    return _cards("highlights", "What you find here", cards)


def _team(brief: Brief) -> Section:
    names = ("Ada", "Bruno", "Chen", "Dalia", "Emre", "Fatou", "Grete", "Hugo")
    first = brief.seed % len(names)
    cards = [
        (names[(first + index * 3) % len(names)], f"Looks after {word}.")
        for index, word in enumerate(brief.first_words(3, "everything", "you", "the rest"))
    ]
    return _cards("team", "The people", cards)


def _works(brief: Brief) -> Section:
    first = 2019 + brief.seed % 5
    cards = [
        (f"{word.capitalize()}, {first + index}", f"What we learned about {word} in {first + index}.")
        for index, word in enumerate(brief.first_words(3, "paper", "light", "stone"))
    ]
    return _cards("works", "Selected works", cards)


def _events(brief: Brief) -> Section:
    days = ("first Monday", "second Thursday", "third Saturday", "last Sunday")
    cards = [
        (f"{word.capitalize()} evening", f"Every {brief.pick(days, word)} of the month at {17 + index}:30.")
        for index, word in enumerate(brief.first_words(3, "open", "neighbours", "music"))
    ]
    return _cards("events", "Coming up", cards)


def _cards(key: str, label: str, cards: list[tuple[str, str]]) -> Section:
    rows = [_row(title=javascript(title), text=javascript(text)) for title, text in cards]
    return Section(
        id=key,
        label=label,
        component="Cards",
        prop="cards",
        interface=_interface("Card", title="string", text="string"),
        data=_export(key, "Card", rows),
    )


def _menu(brief: Brief) -> Section:
    return _price_list(brief, "menu", "Menu")


def _pricing(brief: Brief) -> Section:
    return _price_list(brief, "prices", "Prices")


def _price_list(brief: Brief, key: str, label: str) -> Section:
    rows = [
        _row(group=javascript(group), name=javascript(name), note=javascript(note), cents=str(cents))
        for group, name, note, cents in offers(brief)
    ]
    return Section(
        id=key,
        label=label,
        component="PriceList",
        prop="offers",
        interface=_interface("Offer", group="string", name="string", note="string", cents="number"),
        data=_export(key, "Offer", rows),
    )


def _hours(brief: Brief) -> Section:
    early, late = 6 + brief.seed % 5, 17 + brief.seed // 5 % 5
    rest = brief.pick(("Sunday", "Monday"), "rest")
    days = "Monday to Friday" if rest == "Sunday" else "Tuesday to Friday"
    openings = [(days, early, late), ("Saturday", early + 1, late - 2)]
    if rest == "Monday":
        openings.append(("Sunday", early + 2, 13))
    rows = [
        f'  {{ days: "{name}", opens: "{start:02}:00", closes: "{end:02}:00", closed: false }},'
        for name, start, end in openings
    ]
    rows.append(f'  {{ days: "{rest}", opens: "", closes: "", closed: true }},')
    return Section(
        id="hours",
        label="Opening hours",
        component="Hours",
        prop="openings",
        interface=_interface("Opening", days="string", opens="string", closes="string", closed="boolean"),
        data=_export("hours", "Opening", rows),
    )


def _questions(brief: Brief) -> Section:
    forms = (
        ("Do I need to book for the {}?", "No. Come as you are; we make room."),
        ("What if I know nothing about {}?", "Then you are in the right place: ask us anything."),
        ("Is there more about {}?", "Yes, and it changes with the season."),
    )
    words = brief.first_words(3, "visit", "rest", "place")
    rows = [
        _row(ask=javascript(ask.format(word)), answer=javascript(answer))
        for word, (ask, answer) in zip(words, forms, strict=True)
    ]
    return Section(
        id="questions",
        label="Questions",
        component="Questions",
        prop="questions",
        interface=_interface("Question", ask="string", answer="string"),
        data=_export("questions", "Question", rows),
    )


def _contact(brief: Brief) -> Section:
    street = brief.pick(("Mill Lane", "Station Road", "Harbour Street", "Garden Row"), "street")
    city = brief.pick(("Springfield", "Riverton", "Oldbridge", "Westport"), "city")
    topic = brief.topic
    lines = [
        f"  street: {javascript(f'{1 + brief.seed % 90} {street}')},",
        f"  city: {javascript(city)},",
        f"  prompt: {javascript(f'Ask us about {topic}')},",
        f"  thanks: {javascript(f'Thank you! We answer questions about {topic} within a day.')},",
    ]
    data = "export const contact = {\n" + "\n".join(lines) + "\n} as const;"
    return Section(id="contact", label="Contact", component="Contact", data=data)


def _interface(name: str, /, **members: str) -> str:
    lines = [f"  readonly {member}: {kind};" for member, kind in members.items()]
    return f"export interface {name} {{\n" + "\n".join(lines) + "\n}"


def _row(**members: str) -> str:
    return "  { " + ", ".join(f"{name}: {value}" for name, value in members.items()) + " },"


def _export(name: str, kind: str, rows: list[str]) -> str:
    return f"export const {name}: readonly {kind}[] = [\n" + "\n".join(rows) + "\n];"


_KINDS: dict[str, tuple[tuple[str, ...], Callable[[Brief], Section]]] = {
    "menu": (("menu", "food", "restaurant", "cafe", "bakery", "dish", "drink", "pizza", "coffee"), _menu),
    "hours": (("hour", "opening", "open", "shop", "store", "timetable", "bakery"), _hours),
    "prices": (("price", "pricing", "plan", "subscri", "offer", "product", "rent", "ticket"), _pricing),
    "events": (("event", "concert", "festival", "class", "course", "agenda", "workshop", "show"), _events),
    "team": (("team", "staff", "people", "about", "company", "doctor", "club"), _team),
    "works": (("portfolio", "gallery", "photo", "artist", "design", "project", "studio"), _works),
    "questions": (("faq", "question", "help", "support", "how"), _questions),
}
"""Part -> the beginnings of words that ask for it, and its maker."""
