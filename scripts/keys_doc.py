"""Write docs/keys.md from the bindings themselves: ``python scripts/keys_doc.py``."""

from __future__ import annotations

from pathlib import Path

from workbench.tui.binding_ids import all_keys

HEAD = """\
# Keys

`?` shows the keys of the place you are in, `ctrl+p` everything that can be done there. The line at the bottom
shows the most useful ones; what can't be done now is struck out.

One grammar everywhere: `j` `k` and the arrows move, `g` and `G` go to the ends, `enter` opens, `esc` goes
back, `/` narrows or finds, `n` and `N` go from hit to hit, `m` marks, `y` copies, `r` sends again, `d`
compares, `1` to `7` change the place, `;` puts letters on
everything that can be gone to.

Many terminals send the escape key as the byte with which an arrow's sequence begins: it counts as the key
when nothing follows for 10 ms, over SSH 25 ms. Where your line is slower than that, `ESCDELAY` says how many.

## Your own keys

`keys.yaml` in the home maps an id of the table below to keys, several with commas (`7`, then `K` makes and
opens the file). A wrong id is named with the nearest right one, and the app goes on with its own keys.

```yaml
exchange.replay: ctrl+r
list.down: j,down,n
```

## All keys

| id | keys | what it does |
|---|---|---|
"""


def main() -> None:
    rows = [f"| `{key.id}` | `{key.keys}` | {key.text} |" for key in all_keys()]
    path = Path(__file__).parents[1] / "docs" / "keys.md"
    path.write_text(HEAD + "\n".join(rows) + "\n", encoding="utf-8")
    print(f"{path}: {len(rows)} keys")


if __name__ == "__main__":
    main()
