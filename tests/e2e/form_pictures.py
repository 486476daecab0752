"""Takes the pictures of docs/how-to/set-up-connectors.md, with Chromium and ImageMagick."""

import subprocess
import tempfile
from pathlib import Path

from tests.checkout import ROOT
from tests.e2e.chromium import open_browser
from tests.e2e.conftest import running_server
from tests.e2e.prefect_forms import FORMS
from tests.e2e.test_connector_forms import save_secret

IMAGES = ROOT / "docs/images"
_WIDTH, _HEIGHT = 1200, 1040


def main() -> None:
    """Fill in the form of a webhook in both UIs, and take a small picture of each."""
    with (
        tempfile.TemporaryDirectory() as home,
        running_server(Path(home)) as server,
        open_browser(Path(home)) as browser,
    ):
        server.run("prefect", "block", "register", "-m", "blocks.registry")
        browser.show("light", width=_WIDTH, height=_HEIGHT)
        for ui, make_form in FORMS.items():
            form = make_form(browser, server.api.removesuffix("/api"))
            save_secret(form, f"webhook-url-{ui}", "https://receiver.example.invalid/hook")
            form.open("rollback-drills-webhook")
            form.name("webhook")
            form.choose("URL", f"webhook-url-{ui}")
            browser.run("document.activeElement.blur(); scrollTo(0, 0)")
            file = IMAGES / f"connector-form-{ui}.png"
            file.write_bytes(browser.picture(_HEIGHT))
            command = ["convert", str(file), "-strip", "+dither", "-colors", "64", f"PNG8:{file}"]
            subprocess.run(command, check=True, timeout=60)


if __name__ == "__main__":
    main()
