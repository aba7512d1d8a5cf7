"""Opens reports in a headless Chromium and looks at them as a reader would.

    python open_in_browser.py [--pictures FOLDER] REPORT.html ..

Fails when a page asks for anything but itself, writes to the console, has a figure that is not drawn or has no name or no sentence, is wider than a phone, or has a
table that does not sort. Needs the package playwright; the browser is that of the environment variable MIXWELL_CHROMIUM, or the first on PATH. Without either it
says so and passes.
"""

import argparse
import os
import pathlib
import shutil
import sys

NAMES = ("chromium-headless-shell", "chromium", "chromium-browser", "google-chrome")
PHONE = {"width": 390, "height": 844}
DESK = {"width": 1280, "height": 900}
# Milliseconds: a browser on a busy machine without a graphics card takes its time.
SLOW = 120_000

LOOK = """() => {
  const problems = [];
  for (const figure of document.querySelectorAll("figure")) {
    const heading = figure.querySelector("figcaption h3")?.textContent ?? "";
    const sentence = figure.querySelector("figcaption p")?.textContent ?? "";
    if (!heading || !sentence.endsWith(".")) problems.push(`a figure has no heading or no sentence: ${heading} ${sentence}`);
    const drawings = figure.querySelectorAll("svg, img");
    if (drawings.length === 0) problems.push(`nothing is drawn: ${heading}`);
    for (const drawing of drawings) {
      const box = drawing.getBoundingClientRect();
      const name = drawing.getAttribute("aria-label") ?? drawing.getAttribute("alt");
      if (!name) problems.push(`a drawing of ${heading} has no name`);
      if (box.width < 100 || box.height < 50) problems.push(`${name} is ${box.width} x ${box.height}`);
      if (drawing.tagName === "IMG" && drawing.naturalWidth === 0) problems.push(`${name} is broken`);
      for (const shape of drawing.querySelectorAll("path, circle, rect"))
        for (const value of [getComputedStyle(shape).fill, getComputedStyle(shape).stroke])
          if (value.includes("var(")) problems.push(`${name} has a colour that is none: ${value}`);
    }
  }
  const ids = [...document.querySelectorAll("[id]")].map((e) => e.id);
  if (new Set(ids).size !== ids.length) problems.push("an identifier stands twice");
  for (const a of document.querySelectorAll("a[href^='#']"))
    if (!document.getElementById(a.hash.slice(1))) problems.push(`${a.hash} leads nowhere`);
  return problems;
}"""

SORT = """(table) => {
  const last = table.tHead.rows[0].cells.length - 1;
  const numbers = () => [...table.tBodies[0].rows].map((r) => Number(r.cells[last].dataset.value)).filter((v) => !Number.isNaN(v));
  const button = table.tHead.rows[0].cells[last].querySelector("button");
  button.click();
  const down = numbers();
  button.click();
  const up = numbers();
  const falls = (v) => v.every((x, i) => i === 0 || v[i - 1] >= x);
  return falls(down) && falls([...up].reverse());
}"""


def look(browser, path, pictures):
    problems, drawn = [], 0
    for scheme in ("light", "dark"):
        for screen, size in (("desk", DESK), ("phone", PHONE)):
            page = browser.new_page(color_scheme=scheme, viewport=size)
            page.on("console", lambda message: problems.append(f"console: {message.text}"))
            page.on("pageerror", lambda error: problems.append(f"error: {error}"))
            address = path.resolve().as_uri()
            page.on("request", lambda r: r.url.startswith("data:") or r.url == address or problems.append(f"request: {r.url}"))
            page.set_default_timeout(SLOW)
            page.goto(address)
            problems += page.evaluate(LOOK)
            drawn = page.locator("figure svg, figure img").count()
            named = page.get_by_role("img").count()
            if named != drawn:
                problems.append(f"{drawn} drawings, {named} of them with the role of an image")
            wide = page.evaluate("document.documentElement.scrollWidth - document.documentElement.clientWidth")
            if wide > 0:
                problems.append(f"{screen}: {wide} pixels wider than the screen")
            for table in page.locator("table.sorts").all():
                if not table.evaluate(SORT):
                    problems.append("a table does not sort")
            if pictures:
                # The top of the page, as it is before anything was clicked.
                page.reload()
                page.set_viewport_size({"width": size["width"], "height": 2 * size["height"]})
                page.screenshot(path=pictures / f"{path.resolve().parent.name}-{scheme}-{screen}.png", timeout=SLOW)
            page.close()
    if drawn == 0:
        problems.append("no figure at all")
    for problem in dict.fromkeys(problems):
        print(f"{path}: {problem}", file=sys.stderr)
    print(f"{path}: {drawn} drawings, {path.stat().st_size} bytes, {'bad' if problems else 'good'}")
    return not problems


def main():
    arguments = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    arguments.add_argument("reports", nargs="+", type=pathlib.Path)
    arguments.add_argument("--pictures", type=pathlib.Path)
    given = arguments.parse_args()
    chromium = os.environ.get("MIXWELL_CHROMIUM") or next(filter(None, map(shutil.which, NAMES)), None)
    try:
        from playwright.sync_api import sync_playwright
    except ImportError:
        chromium = None
    if not chromium:
        print("skipped: no Chromium on PATH or in MIXWELL_CHROMIUM, or no playwright, so no report was opened")
        return 0
    if given.pictures:
        given.pictures.mkdir(parents=True, exist_ok=True)
    with sync_playwright() as play:
        browser = play.chromium.launch(executable_path=chromium, args=["--no-sandbox"])
        good = [look(browser, report, given.pictures) for report in given.reports]
        browser.close()
    return 0 if all(good) else 1


if __name__ == "__main__":
    sys.exit(main())
