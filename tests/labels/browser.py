"""An annotator in a real Chromium, for tests; skips where there is none."""

import shutil
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Page, sync_playwright

CHOSEN = """() => [...document.querySelectorAll(".ld-field")]
  .filter(field => field.offsetParent !== null)
  .map(field => [field.querySelector("h4").innerText,
    [...field.querySelectorAll("[class*=wrapper-checked] input")].map(input => input.name)])"""
"""Titles of the fields that are shown, with what is chosen in each."""
DRAWN = """() => Htx.annotationStore.selected.regions
  .filter(region => region.type === "rectangleregion")
  .map(region => [region.labels[0], Math.round(region.x), Math.round(region.y)])"""
TIMEOUT_MS = 60_000


@contextmanager
def annotator(server: Any, *, width: int = 1280, height: int = 720) -> Iterator["Annotator"]:
    """Somebody who has logged in."""
    chromium = shutil.which("chromium")
    if chromium is None:
        pytest.skip("Chromium is not installed: `make chromium` installs it")
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(
            executable_path=chromium,
            args=["--no-sandbox", "--disable-background-networking"],
        )
        page = browser.new_context(viewport={"width": width, "height": height}).new_page()
        page.set_default_timeout(TIMEOUT_MS)
        page.goto(f"{server.url}/user/login/")
        page.fill("input[name=email]", server.username)
        page.fill("input[name=password]", server.password)
        page.keyboard.press("Enter")
        page.wait_for_url(lambda url: "/login" not in url)
        try:
            yield Annotator(page)
        finally:
            browser.close()


class Annotator:
    """What a person sees and does on a labeling screen."""

    def __init__(self, page: Page) -> None:
        self.page = page

    def open(self, url: str) -> None:
        """Go to a label stream, or to a task, and wait until picture and form are there."""
        self.page.goto(url)
        self.wait()

    def wait(self) -> None:
        self.page.wait_for_selector(".ld-form >> visible=true")
        self.page.wait_for_function("() => document.querySelector('.lsf-image img')?.naturalWidth")
        self.page.wait_for_function("() => Htx.annotationStore.selected?.results.length")

    def task(self) -> int:
        """The id of the task that is shown."""
        return int(self.page.evaluate("() => Htx.task.id"))

    def submit_and_go_on(self) -> None:
        """Submit, and wait for the next task, or for the end of the queue."""
        self._leave(self.submit)

    def skip_and_go_on(self) -> None:
        """Press Skip, and wait for the next task, or for the end of the queue."""
        self._leave(lambda: self.page.keyboard.press("Control+Space"))

    def _leave(self, press: Callable[[], None]) -> None:
        before = self.task()
        press()
        self.page.wait_for_function(
            """before => document.body.innerText.includes("No More Tasks")
              || document.body.innerText.includes("no more tasks")
              || (window.Htx?.task && Htx.task.id != before
                && Htx.annotationStore.selected?.results.length)""",
            arg=before,
        )

    def chosen(self) -> dict[str, list[str]]:
        """Title → chosen values, of the fields that are shown."""
        return dict(self.page.evaluate(CHOSEN))

    def text(self, title: str) -> str:
        """The text of a field."""
        return self._field(title).locator("p").inner_text()

    def write(self, title: str, text: str) -> None:
        """Click on a text, replace it, keep it."""
        # the mouse goes where the text is; what lies over it there has to open it
        self._field(title).locator('[data-testid="htx-textbox-content"]').click(force=True)
        self.page.wait_for_selector('[data-testid="htx-textbox-input"]')
        self.page.keyboard.press("ControlOrMeta+a")
        self.page.keyboard.type(text)
        self.page.keyboard.press("Shift+Enter")
        self.page.wait_for_selector('[data-testid="htx-textbox-input"]', state="detached")

    def press(self, hotkey: str) -> None:
        """Press a key as the schema writes it."""
        *modifiers, key = hotkey.split("+")
        self.page.keyboard.press("+".join([*(m.title() for m in modifiers), key]))

    def boxes(self) -> list[list[Any]]:
        """Label, x and y (percent) of the rectangles on the picture."""
        return self.page.evaluate(DRAWN)

    def picture(self, path: Path) -> None:
        """Keep what the screen shows."""
        self.page.screenshot(path=path)

    def submit(self) -> None:
        self.page.keyboard.press("Control+Enter")

    def _field(self, title: str) -> Any:
        return self.page.locator(".ld-field", has=self.page.locator(f'h4:text-is("{title}")'))
