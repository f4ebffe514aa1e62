"""What a business of a given kind has to offer, for pages that need plausible goods and prices."""

from __future__ import annotations

from workbench.providers.demo_author.brief import Brief

Offer = tuple[str, str, str, int]
"""Group, name, note, price in cents."""

_GOODS: tuple[tuple[tuple[str, ...], tuple[tuple[str, str, str], ...]], ...] = (
    (
        ("bak", "bread", "cake", "pastr"),
        (
            ("Bread", "Sourdough loaf", "baked at five in the morning"),
            ("Bread", "Rye with caraway", "dense, keeps for days"),
            ("Bread", "Seeded rolls", "a bag of four"),
            ("Sweet", "Cinnamon knot", "still warm until nine"),
            ("Sweet", "Plum tart", "while there are plums"),
            ("Drinks", "Filter coffee", "a second cup is on us"),
        ),
    ),
    (
        ("coffee", "cafe", "tea", "espresso"),
        (
            ("Coffee", "Espresso", "short and dark"),
            ("Coffee", "Flat white", "oat milk on request"),
            ("Tea", "Darjeeling", "a pot for two"),
            ("Food", "Toasted cheese", "with mustard"),
            ("Food", "Carrot cake", "two forks if you like"),
        ),
    ),
    (
        ("restaurant", "pizza", "food", "dish", "dinner", "lunch", "menu", "kitchen"),
        (
            ("Starters", "Tomato soup", "with basil"),
            ("Starters", "Grilled peppers", "for the table"),
            ("Mains", "Mushroom risotto", "vegetarian"),
            ("Mains", "Trout with almonds", "from the river"),
            ("Desserts", "Lemon ice", "two scoops"),
        ),
    ),
)
_PLANS = (
    ("Single", "to try it out"),
    ("Regular", "what most people take"),
    ("Large", "for groups and families"),
)


def offers(brief: Brief) -> list[Offer]:
    """Return what is on offer, with prices that the brief's seed decides."""
    goods = next((goods for stems, goods in _GOODS if brief.has(*stems)), None) or _from_words(brief)
    return [
        (group, name, note, 180 + 10 * (brief.seed // (index + 1) % 60))
        for index, (group, name, note) in enumerate(goods)
    ]


def _from_words(brief: Brief) -> list[tuple[str, str, str]]:
    groups = [word.capitalize() for word in brief.words[:2]]
    return [(group, f"{group}, {size.lower()}", note) for group in groups for size, note in _PLANS]
