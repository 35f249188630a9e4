# What is installed from: manifests for mip, and the folder of a release.
#
#     tools/release.py manifests          of all files, and with the version of pyproject.toml
#     tools/release.py mpy                the same in build/mpy, for the .mpy files that make built
#     tools/release.py release ADDRESS    build/release, to be published at ADDRESS
#
# ADDRESS is where the folder's content will be found: http(s)://... or github:ORGANISATION/NAME.
# The manifests of the sources name their files by relative addresses, so that they work from any
# place; the mip of boards with 1.21 to 1.24 does not know these.  Those of a release are absolute.
# The files come from the folders of the packages: a new module needs no edit here.

import hashlib
import json
import re
import shutil
import subprocess
import sys
import tomllib
import zipfile
from pathlib import Path

ROOT = Path(__file__).parent.parent
BUILD = ROOT / "build"
# The package's manifest for mip, and the one for freezing.
MANIFESTS = {
    "ahttpserver": ("package.json", "manifest.py"),
    "httpserver": ("httpserver.json", "manifest_httpserver.py"),
}
PLACES = ("http://", "https://", "github:", "gitlab:", "codeberg:")
BESIDE = ("LICENSE", "README.md", "CHANGELOG.md", "SECURITY.md", "docs", "typings")  # in the zip


def files(package, suffix=".py"):
    """The files that a board needs for a package, by their names there."""
    sources = [*sorted((ROOT / package).glob("*.py")), ROOT / "url.py"]
    return [path.relative_to(ROOT).with_suffix(suffix).as_posix() for path in sources]


def manifest(package, suffix=".py", base=""):
    """The text of package.json; base: what stands before each file's address."""
    pairs = (json.dumps([name, base + name]) for name in files(package, suffix))
    urls = ",\n    ".join(pairs)
    return '{\n  "urls": [\n    %s\n  ],\n  "version": "%s"\n}\n' % (urls, version())


def version():
    return tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["version"]


def versions():
    """Where a version stands, and which."""
    changes = (ROOT / "CHANGELOG.md").read_text()
    found = re.search(r"^## \[?(\d[^]\s]*)", changes, re.M)
    result = {"pyproject.toml": version(), "CHANGELOG.md": found and found[1]}
    for package, (for_mip, for_freezing) in MANIFESTS.items():
        result[for_mip] = json.loads((ROOT / for_mip).read_text())["version"]
        for name, pattern in (
            (f"{package}/__init__.py", r'^__version__ = "(.*)"$'),
            (for_freezing, r'version="([^"]*)"'),
        ):
            found = re.search(pattern, (ROOT / name).read_text(), re.M)
            result[name] = found and found[1]
    return result


def problems():
    """Why this state is none to release; a list, empty if it is."""
    wanted = version()
    found = [f"{name}: version {other}" for name, other in versions().items() if other != wanted]
    changes = (ROOT / "CHANGELOG.md").read_text()
    if not re.search(rf"^## \[{re.escape(wanted)}\] - \d{{4}}-\d\d-\d\d$", changes, re.M):
        found.append(f"CHANGELOG.md: {wanted} has no date")
    for package, (name, _) in MANIFESTS.items():
        if (ROOT / name).read_text() != manifest(package):
            found.append(f"{name}: not of these files, run make manifests")
    if git("status", "--porcelain"):
        found.append("git: there are changes without a commit")
    if f"v{wanted}" not in git("tag", "--points-at", "HEAD").split():
        found.append(f"git: no tag v{wanted} here")
    return found


def git(*arguments):
    command = ["git", "-C", str(ROOT), *arguments]
    return subprocess.run(command, check=True, capture_output=True, text=True).stdout


def write_manifests():
    for package, (for_mip, for_freezing) in MANIFESTS.items():
        (ROOT / for_mip).write_text(manifest(package))
        path = ROOT / for_freezing
        path.write_text(re.sub('version="[^"]*"', f'version="{version()}"', path.read_text()))


def write_mpy_manifests():
    for package, (name, _) in MANIFESTS.items():
        (BUILD / "mpy" / name).write_text(manifest(package, ".mpy"))


def write_release(address, folder):
    """Everything that is published, in the folder; its files' names, sorted."""
    if folder.exists():
        shutil.rmtree(folder)
    for package, (name, for_freezing) in MANIFESTS.items():
        for suffix, source, target, base in (
            (".py", ROOT, folder, address + "/"),
            (".mpy", BUILD / "mpy", folder / "mpy6", address + "/mpy6/"),
        ):
            for file in files(package, suffix):
                copy(source / file, target / file)
            (target / name).write_text(manifest(package, suffix, base))
        copy(BUILD / f"{package}.romfs", folder / f"{package}.romfs")
        copy(ROOT / for_freezing, folder / for_freezing)
    for path in folder.glob("mpy6/**/*.mpy"):
        assert path.read_bytes()[:2] == b"M\x06", f"{path} is not of format 6"
    write_zip(folder)
    names = sorted(path for path in folder.rglob("*") if path.is_file())
    sums = [f"{sha256(path)}  {path.relative_to(folder).as_posix()}\n" for path in names]
    (folder / "SHA256SUMS").write_text("".join(sums))
    return names


def copy(source, target):
    target.parent.mkdir(parents=True, exist_ok=True)
    shutil.copyfile(source, target)


def sha256(path):
    return hashlib.sha256(path.read_bytes()).hexdigest()


def write_zip(folder):
    """The folder and the texts as one file, the same bytes each time."""
    stem = f"micropython-http-servers-{version()}"
    contents = {path.relative_to(folder): path for path in folder.rglob("*") if path.is_file()}
    for name in BESIDE:
        path = ROOT / name
        for file in path.rglob("*") if path.is_dir() else [path]:
            if file.is_file():
                contents[file.relative_to(ROOT)] = file
    with zipfile.ZipFile(folder / f"{stem}.zip", "w", zipfile.ZIP_DEFLATED) as archive:
        for name, path in sorted(contents.items()):
            entry = zipfile.ZipInfo(f"{stem}/{name.as_posix()}")
            entry.compress_type = zipfile.ZIP_DEFLATED
            entry.external_attr = 0o644 << 16
            archive.writestr(entry, path.read_bytes())


HOW = """\
build/release holds version {version}.  To publish it:

1. git push origin v{version}
2. Put the folder's content at {address}, {how}
3. Offer the .zip and SHA256SUMS as files of the release.

Users of any board with 1.21 or newer then install it so, the second pair as .mpy files:

    mpremote mip install {address}/package.json{tag}
    mpremote mip install {address}/httpserver.json{tag}
    mpremote mip install {address}/mpy6/package.json{tag}
    mpremote mip install {address}/mpy6/httpserver.json{tag}

and on a board: import mip; mip.install("{address}/package.json"{argument})
"""


def instructions(address):
    """What to do with the folder, and what its users will type."""
    how, tag, argument = "by any web server.", "", ""
    if not address.startswith(("http://", "https://")):
        name = f"release-{version()}"
        how = f"as a branch of its own with the name {name}:\n   it holds what is built, too."
        tag, argument = f"@{name}", f', version="{name}"'
    return HOW.format(
        version=version(), address=address, how=how, tag=tag, argument=argument
    )


def release(address):
    address = address.rstrip("/")
    found = problems()
    if not address.startswith(PLACES):
        found.append(f"ADDRESS: {address or 'is missing'}, should begin with {' '.join(PLACES)}")
    if found:
        sys.exit("\n".join(["Not released:", *found]))
    write_release(address, BUILD / "release")
    print(instructions(address))


if __name__ == "__main__":
    command, *arguments = sys.argv[1:]
    {"manifests": write_manifests, "mpy": write_mpy_manifests, "release": release}[command](
        *arguments
    )
