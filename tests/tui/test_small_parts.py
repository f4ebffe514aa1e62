"""Figures, completion, the clipboard, the keymap, kept state, and what a run's events add up to."""

from __future__ import annotations

import base64

import pytest

from tests.tui.builders import NOW_US, START_US
from tests.tui.scenes import begun
from workbench.control.service import ServiceState
from workbench.control.subscription.process import ProxyState
from workbench.domain import events as ev
from workbench.domain.errors import ConfigError
from workbench.settings.home import Home
from workbench.store.usage import Used
from workbench.tui import format as fmt
from workbench.tui import state as kept
from workbench.tui.chart import SCALE, Chart
from workbench.tui.clipboard import OSC_LIMIT, copy, osc52
from workbench.tui.completion import EXCHANGES, RUNS, complete
from workbench.tui.keymap import read_keymap
from workbench.tui.run_items import newest_key
from workbench.tui.run_picture import RunPicture
from workbench.tui.screens.stats import SPANS
from workbench.tui.services import proxy_words, service_words, services_of
from workbench.tui.totals import Span, totals


@pytest.mark.parametrize(
    ("made", "expected"),
    [
        (fmt.duration(0.64), "640 µs"),
        (fmt.duration(12.4), "12 ms"),
        (fmt.duration(1240), "1.24 s"),
        (fmt.duration(125_000), "2m 05s"),
        (fmt.duration(None), "\N{EN DASH}"),
        (fmt.count(999), "999"),
        (fmt.count(1234), "1.2k"),
        (fmt.count(123_456), "123k"),
        (fmt.size(1_500_000), "1.5 MB"),
        (fmt.money(0), "$0"),
        (fmt.money(0.00001), "<$0.0001"),
        (fmt.money(12.345), "$12.35"),
        (fmt.sparkline([0, 1, 2, 4], 4), "·▂▄█"),
    ],
)
def test_figures_are_short_and_have_a_unit(made, expected):
    """Each figure fits its column."""
    assert expected == made


@pytest.mark.parametrize(
    ("typed", "expected"),
    [
        ("mod", "model:"),
        ("status:>=400 mo", "status:>=400 model:"),
        ("model:gp", "model:gpt-mini"),
        ("!state:fa", "!state:failed"),
        ("nothing-like-it", None),
        ("", None),
    ],
)
def test_a_filter_completes_names_and_values(typed, expected):
    """The last word is completed; the rest stays."""
    assert expected == complete(typed, {"model": ["gpt-mini", "demo"]})


def test_a_moment_inside_something_has_no_date_on_the_day_that_began():
    """The row above says which day it was; a session may go on for days."""
    begun = NOW_US - 40 * 86_400_000_000
    assert "14:23:21" == fmt.clock_within(begun + 1_000_000, begun)
    assert fmt.clock(begun + 86_400_000_000) == fmt.clock_within(begun + 86_400_000_000, begun)
    assert "08-13 14:23" == fmt.clock(begun + 86_400_000_000)


@pytest.mark.parametrize("language", [EXCHANGES, RUNS], ids=["exchanges", "runs"])
def test_what_a_filter_offers_is_what_it_takes(language):
    """Every key with every value that is offered, and every term of the hint, parses."""
    for field in language.fields:
        for value in language.values.get(field, ("1h" if field == "until" else "1",)):
            language.check(f"{field}:{value}", 1)
    assert set(language.values) <= set(language.fields)
    for term in language.hint.split("  "):
        if ":" in term:
            language.check(term, 1)
    assert "kind:session" == complete("kind:se", {}, language=RUNS)


def test_an_old_filter_is_offered_first():
    """What was used before comes back."""
    assert complete("sta", {}, ["status:>=500"]) == "status:>=500"


def test_osc_52_carries_exact_bytes_and_is_wrapped_for_tmux():
    """tmux needs the escape doubled inside its own."""
    plain = osc52(b"a\x1b\x00", {})
    assert plain == "\x1b]52;c;" + base64.b64encode(b"a\x1b\x00").decode() + "\x07"
    wrapped = osc52(b"a", {"TMUX": "/tmp/x"})
    assert wrapped == "\x1bPtmux;\x1b\x1b]52;c;YQ==\x07\x1b\\"


def test_what_is_too_long_for_the_terminal_goes_into_a_private_file(tmp_path):
    """Nothing is cut in silence."""
    data = b"x" * OSC_LIMIT
    written: list[str] = []
    how = copy(data, written.append, tmp_path, {"SSH_TTY": "/dev/pts/1"})
    assert written == []
    assert how == str(tmp_path / "copied.txt")
    assert (tmp_path / "copied.txt").read_bytes() == data
    assert (tmp_path / "copied.txt").stat().st_mode & 0o777 == 0o600


def test_a_keymap_is_read_and_a_wrong_id_named_with_the_nearest(tmp_path):
    """A typo says its line and what was meant."""
    path = tmp_path / "keys.yaml"
    path.write_text("# mine\nlist.down: j,n\n")
    assert read_keymap(path, frozenset({"list.down"})) == {"list.down": "j,n"}
    path.write_text("# mine\nlist.dwon: j\n")
    with pytest.raises(ConfigError) as caught:
        read_keymap(path, frozenset({"list.down"}))
    assert caught.value.line == 2
    assert "list.down" in (caught.value.hint or "")


def test_state_is_kept_and_a_torn_file_is_the_default(tmp_path):
    """Losing it costs nothing."""
    path = tmp_path / ".tui" / "state.json"
    state = kept.State(filter="model:demo")
    kept.remember_filter(state.filters, "model:demo")
    kept.remember_filter(state.filters, "status:500")
    kept.remember_filter(state.filters, "model:demo")
    kept.save(path, state)
    assert kept.load(path).filters == ["model:demo", "status:500"]
    path.write_text('{"filter": ')
    assert kept.load(path) == kept.State()


def test_a_runs_events_add_up_to_where_it_stands():
    """The picture follows what happens now: plan, file, gate, end."""
    picture = RunPicture()
    places = []
    for event in [
        *begun(waiting=True),
        ev.FileStarted(path="src/slug/slug.py"),
        ev.FileWritten(path="src/slug/slug.py", size=1, sha256="0"),
        ev.GateStarted(gate="tests", argv=["pytest"]),
        ev.GateFinished(gate="tests", passed=False, exit_code=1, duration_ms=1.0),
        ev.RepairStarted(round=1, gate="tests"),
        ev.FileStarted(path="src/slug/slug.py", attempt=2),
        ev.RunFinished(status="failed", stop_reason="gate tests failed", exit_code=1),
    ]:
        picture.take(event)
        places.append(newest_key(picture))
    assert places == [
        "plan", "plan", "log", "plan", "file:src/slug/slug.py", "log", "gate:tests",
        "gate:tests", "gate:tests",
        "file:src/slug/slug.py", "overview",
    ]  # fmt: skip
    assert picture.files["src/slug/slug.py"].attempt == 2
    assert (picture.status, picture.exit_code, picture.repairs) == ("failed", 1, 1)


SPAN = Span.until(START_US, 86_400, 60)


def used(slot, model, ms, *, requests=1, **more):
    values = {"failed": 0, "input_tokens": 10, "output_tokens": 0, "cost_usd": 0.5, **more}
    return Used(slot=slot, model=model, tenant="default", latency_ms=ms, requests=requests, **values)


def test_sums_by_model_day_and_slice_of_time_add_up():
    """Every exchange is in exactly one model, one day and one slice."""
    rows = [
        used(0, "a", 1.0),
        used(0, "b", 9.0, failed=1),
        used(59, "a", 5.0, requests=2),
    ]
    found = totals(rows, SPAN)
    assert [(total.name, total.requests, total.failed) for total in found.models] == [
        ("a", 3, 0),
        ("b", 1, 1),
    ]
    assert [found.slots[at].requests for at in (0, 1, 59)] == [2, 0, 2]
    assert [total.requests for total in found.days] == [2, 2]
    assert (found.whole.input_tokens, found.whole.cost_usd) == (30, 1.5)
    assert found.whole.latency(0.5) == 5.0
    assert found.whole.latency(1.0) == 9.0


@pytest.mark.parametrize(("seconds", "slots"), SPANS.values(), ids=SPANS)
def test_a_span_holds_now_in_its_last_slice_and_days_are_whole_slices(seconds, slots):
    """No slice belongs to two days."""
    span = Span.until(START_US, seconds, slots)
    assert span.to_us - span.slot_us <= START_US < span.to_us
    assert span.slot_us == seconds // slots * 1_000_000
    midnight = START_US // 86_400_000_000 * 86_400_000_000  # the tests' zone is UTC
    assert (midnight - span.from_us) % span.slot_us == 0


def test_a_chart_has_as_many_steps_as_its_rows_have_eighths():
    """The largest value fills all rows; a point stands over the bars; nothing is drawn for nothing."""
    chart = Chart("t", [0.0, 1.0, 2.0], fmt.count, [0.0, 2.0, 2.0])
    rows = [row for _, row in chart.lines(SCALE + 4, ("a", "b"))][1:-1]
    assert rows == [" •█", "  █", "  █", " ██", " ██", " ██"]


def test_the_services_of_a_home_say_how_they_stand(tmp_path):
    """What is not there names the command that makes it so."""
    assert services_of(Home(tmp_path))[0][1].startswith(
        "not installed; to start the router when you sign in: workbench service install"
    )
    state = ServiceState(
        manager="systemd", name="wb.service", path="x", installed=True, active=False, enabled=False
    )
    assert service_words(state) == "systemd wb.service: not active: workbench service start, not at sign-in"
    proxy = ProxyState(
        installed=True, running=True, ready=True, base_url="http://127.0.0.1:8317", accounts=["a"]
    )
    assert proxy_words(proxy) == "ready at http://127.0.0.1:8317, 1 account"
