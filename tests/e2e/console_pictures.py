"""Takes the pictures of docs/how-to/look-at-the-console.md, with Chromium and ImageMagick."""

import subprocess
import tempfile
from pathlib import Path

from rollback_drills.console.export import write_export
from rollback_drills.console.links import PrefectLinks, StaticLinks
from tests.checkout import ROOT
from tests.e2e.chromium import open_browser
from tests.e2e.console_site import build_site
from tests.e2e.test_console import PAGES, SCHEMES

IMAGES = ROOT / "docs/images"
_HEIGHT = 900


def main() -> None:
    """Take a picture of the top of each page, in light and dark, with few colours, so that it is small."""
    IMAGES.mkdir(exist_ok=True)
    with tempfile.TemporaryDirectory() as home:
        console = build_site(Path(home), "checkout")
        site = Path(home) / "site"
        write_export(
            console, site, StaticLinks(PrefectLinks("http://127.0.0.1:4200")), progress=lambda _: None
        )
        with open_browser(Path(home)) as browser:
            for name, page in PAGES.items():
                for scheme in SCHEMES if " " not in name else ():
                    browser.show(scheme)
                    browser.open((site / page).as_uri())
                    height = 2600 if name == "schedule" else _HEIGHT
                    file = IMAGES / f"console-{name}-{scheme}.png"
                    file.write_bytes(browser.picture(height))
                    _shrink(file)
            browser.show("dark", width=390)
            browser.open((site / PAGES["calendar"]).as_uri())
            narrow = IMAGES / "console-calendar-narrow-dark.png"
            narrow.write_bytes(browser.picture(1200))
            _shrink(narrow)


def _shrink(file: Path) -> None:
    command = ["convert", str(file), "-strip", "+dither", "-colors", "64", f"PNG8:{file}"]
    subprocess.run(command, check=True, timeout=60)


if __name__ == "__main__":
    main()
