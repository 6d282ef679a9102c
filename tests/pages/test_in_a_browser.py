"""What a reader can do with a page, in a real browser: no page asks for anything, and no text in a row becomes code."""

import pytest

HOSTILE = '"><img'

SHORT = "section#section-1 table.sortable >> nth=0"


def names(page):
    return [
        row.inner_text().split("\n")[0].split("  ")[0] for row in page.locator(f"{SHORT} >> tbody >> nth=0 >> th").all()
    ]


def until(page, expression: str) -> None:
    """Wait for an expression to become true; the policy of a page forbids what Playwright has for this."""
    for _ in range(100):
        if page.evaluate(expression):
            return
        page.wait_for_timeout(50)
    pytest.fail(f"never true: {expression}")


def type_into(page, field: str, text: str) -> None:
    page.locator(field).press("Control+a")
    page.locator(field).press_sequentially(text) if text else page.locator(field).press("Delete")


def test_the_first_table_ranks_the_methods_and_keeps_the_anchors_below(look):
    page = look("toys.html")
    assert [name.split(" claims")[0] for name in names(page)][:2] == ["alpha", "beta"]
    anchors = page.locator(f"{SHORT} >> tbody.anchors >> th").all_inner_texts()
    assert [text.split("\n")[0] for text in anchors] == ["real", "mean", "noise"]


def test_a_click_on_a_head_sorts_and_another_one_turns_the_order(look):
    page = look("toys.html")
    head = page.get_by_role("button", name="accuracy").first
    head.click()
    assert page.locator("th[aria-sort=ascending]").count() == 1
    ascending = names(page)
    head.click()
    assert page.locator("th[aria-sort=descending]").count() == 1
    assert names(page)[0] == "beta"
    measured = [name for name in ascending if name != "broken"]
    assert [name for name in names(page) if name != "broken"] == measured[::-1]
    assert names(page)[-1] == ascending[-1] == "broken"  # what was not measured comes last


def test_the_keyboard_alone_sorts_a_table_and_opens_every_row(look):
    page = look("toys.html")
    for _ in range(60):
        page.keyboard.press("Tab")
        if page.evaluate("document.activeElement.textContent") == "fidelity":
            break
    page.keyboard.press("Enter")
    assert page.locator("th[aria-sort=ascending]").inner_text().startswith("fidelity")
    page.locator("summary", has_text="rows, to filter").focus()
    page.keyboard.press("Enter")
    page.wait_for_selector(".tabulator-row")
    focus = page.evaluate("getComputedStyle(document.activeElement).outlineStyle")
    assert focus == "solid"


def test_every_row_can_be_filtered(look):
    page = look("toys.html")
    page.locator("summary", has_text="rows, to filter").click()
    page.wait_for_selector(".tabulator-row")
    type_into(page, "[tabulator-field=metric] input", "class-agreement")
    until(page, "everyRow.getDataCount('active') < everyRow.getDataCount()")
    found = page.evaluate("everyRow.getData('active').map((row) => row.metric)")
    assert set(found) == {"class-agreement"}
    type_into(page, "[tabulator-field=entry] input", "beta")
    until(page, "everyRow.getData('active').every((row) => row.entry === 'beta')")
    assert page.evaluate("everyRow.getDataCount('active')") == 3  # two seeds at quick, one at smoke


def test_a_seed_leads_to_the_page_of_its_job_and_back(look):
    page = look("toys.html")
    page.locator(SHORT).get_by_role("link", name="1", exact=True).first.click()
    page.wait_for_selector("h1")
    assert page.locator("h1").inner_text() == "alpha [lr=0.1] on toys, seed 1"
    text = page.locator("main").inner_text()
    for part in ("bench run --plugins alpha --dataset toys --budget quick --seeds 1 --set alpha.lr=0.1", "3.12.1", "abc123",
                 "Some CPU, 1 thread, float32", "train/loss", "step 1"):  # fmt: skip
        assert part in text
    page.get_by_role("link", name="Board").click()
    page.wait_for_selector(SHORT)


def test_the_index_leads_to_the_boards_and_the_claims(look):
    page = look("index.html")
    assert page.locator(".cards h2").all_inner_texts() == ["bricks", "dolls", "toys"]
    assert page.locator(".chart svg").count() == 1  # three boards share three methods
    page.get_by_role("link", name="Claims").click()
    page.wait_for_selector("details")
    assert "reproduced" in page.locator("main").inner_text()
    page.get_by_role("link", name="All boards").click()
    page.get_by_role("link", name="toys").click()
    assert page.locator("h1").inner_text() == "toys"


def test_charts_and_pictures_are_there(look):
    page = look("toys.html")
    assert page.locator("#section-1 .chart svg").count() == 4
    page.locator("#section-1 summary", has_text="Pictures").click()
    shown = page.locator("#section-1 .pictures img")
    assert shown.count() == 4  # samples and traversals of two methods
    assert shown.first.evaluate("image => image.naturalWidth") == 200
    assert all(alt for alt in page.locator("img").evaluate_all("all => all.map((image) => image.alt)"))


def test_a_failure_leads_to_its_reason(look):
    page = look("toys.html")
    page.locator(SHORT).locator("a[href='#section-1-note-1']").first.click()
    assert page.locator("#section-1-note-1").is_visible()
    assert "taken over" in page.locator("#section-1-note-1").inner_text()  # as text


def test_names_and_reasons_of_strangers_stay_text(look):
    page = look("toys.html")
    page.locator("summary", has_text="rows, to filter").click()
    page.wait_for_selector(".tabulator-row")
    whole = page.evaluate("everyRow.getDataCount()")
    for field, word in (("entry", HOSTILE), ("reason", "taken over")):
        type_into(page, f"[tabulator-field={field}] input", word)
        until(page, f"everyRow.getDataCount('active') < {whole}")
        assert page.evaluate("everyRow.getDataCount('active')") > 0
        type_into(page, f"[tabulator-field={field}] input", "")
        until(page, f"everyRow.getDataCount('active') === {whole}")
    assert page.locator("img[src='x']").count() == 0
    assert page.title() == "toys: leaderboard"


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_both_colour_schemes_have_contrast(look, scheme):
    page = look("toys.html", color_scheme=scheme)

    def luminance(of):
        colour = page.evaluate(f"getComputedStyle(document.body).{of}")
        parts = [int(part) / 255 for part in colour.strip("rgba()").split(",")[:3]]
        linear = [part / 12.92 if part <= 0.03928 else ((part + 0.055) / 1.055) ** 2.4 for part in parts]
        return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]

    ink, ground = luminance("color"), luminance("backgroundColor")
    assert (max(ink, ground) + 0.05) / (min(ink, ground) + 0.05) > 7  # WCAG AAA
    assert (ground < 0.1) == (scheme == "dark")


@pytest.mark.parametrize("name", ["toys.html", "index.html", "claims.html", "jobs/aaaaaaaaaaaa.html"])
def test_nothing_scrolls_sideways_on_a_phone(look, name, board):
    page = look(name, width=400)
    for part in page.locator("details").all():
        part.evaluate("part => { part.open = true; }")
    page.wait_for_timeout(300)
    assert page.evaluate("document.documentElement.scrollWidth") <= 400
