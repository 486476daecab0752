"""Repositories of their own for tests: the files of this checkout, committed."""

import os
import shutil
import subprocess
from pathlib import Path

from tests.checkout import ROOT


def git(folder: Path, *words: str) -> str:
    """Run git in a folder; return what it printed."""
    environ = {name: value for name, value in os.environ.items() if not name.startswith("GIT_")}
    done = subprocess.run(
        ["git", *words], cwd=folder, env=environ, capture_output=True, text=True, check=True
    )
    return done.stdout.strip()


def copy_files(to: Path) -> None:
    """Copy the files of this checkout that are not ignored, as they are now."""
    for name in git(ROOT, "ls-files", "--cached", "--others", "--exclude-standard").splitlines():
        if (ROOT / name).is_file():
            (to / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(ROOT / name, to / name)


def copy_repository(to: Path) -> tuple[Path, str]:
    """Commit the files of this checkout to a repository; return it and the commit."""
    copy_files(to)
    git(to, "init", "--quiet")
    git(to, "add", "--all")
    git(to, "-c", "user.name=A", "-c", "user.email=a@example.invalid", "commit", "--quiet", "-m", "Copy")
    return to, git(to, "rev-parse", "HEAD")
