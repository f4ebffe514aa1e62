"""What a file may import: the language's own, the app's own, the recipe's dependencies."""

from __future__ import annotations

import pytest

from workbench.workflow.answers import Refused
from workbench.workflow.imports import check_imports

FILES = {"src/slug/__init__.py", "src/slug/core.py", "tests/test_core.py", "tests/helpers.py", "tool.py"}


@pytest.mark.parametrize(
    ("path", "content"),
    [
        (
            "src/slug/core.py",
            "from __future__ import annotations\nimport os.path, re\nfrom . import x\nimport slug",
        ),
        ("tests/test_core.py", "import pytest\nfrom slug.core import f\nimport helpers\nimport tool"),
        ("src/slug/core.py", "from fast_api import App\nimport yaml"),
        ("src/slug/core.py", "this is not python"),
        ("README.md", "import requests"),
        (
            "src/a.tsx",
            'import React from "react";\nimport "./a.css";\nimport x from "@/lib/x";\nimport "node:fs";',
        ),
        ("src/a.ts", 'import type { A } from "../a";\nexport { b } from "react-dom/client";'),
        ("src/a.ts", "const t = \"from 'axios'\";"),
        ("src/a.ts", 'const s = `import "axios"`;'),
    ],
)
def test_own_and_listed_imports_are_taken(path: str, content: str) -> None:
    """Standard library, relative, own packages, listed dependencies and look-alikes in text pass."""
    check_imports(path, content, dependencies=["Fast-API", "yaml", "react", "react-dom"], files=FILES)


@pytest.mark.parametrize(
    ("path", "content", "name"),
    [
        ("src/slug/core.py", "import requests", "requests"),
        ("src/slug/core.py", "def f():\n    from numpy.linalg import inv", "numpy"),
        ("src/slug/core.py", "import pytest", "pytest"),
        ("src/a.tsx", 'import axios from "axios";', "axios"),
        ("src/a.tsx", 'import {\n  a,\n  b,\n} from "@scope/pkg/deep";', "@scope/pkg"),
        ("src/a.ts", 'const m = await import("lodash/fp");', "lodash"),
        ("src/a.cjs", 'require("left-pad")', "left-pad"),
        ("src/a.ts", 'export * from "other"', "other"),
    ],
)
def test_other_imports_are_refused(path: str, content: str, name: str) -> None:
    """Anything else is refused by name, so that the model can do without it."""
    with pytest.raises(Refused, match=f"imports {name}, not among the dependencies"):
        check_imports(path, content, dependencies=["react"], files=FILES)
