# All ways onto a board: mip from a clone, a web server, an index and a release, from the PC and on
# the board; an image for ROMFS; freezing; and that no wheel for PCs comes out of this.

import hashlib
import json
import os
import re
import shutil
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

from boards import content, serving
from harness import APPS, PACKAGES, ROOT, Process, translate

sys.path.insert(0, str(ROOT / "tools"))

import release  # noqa: E402

MANIFEST = {package: names[0] for package, names in release.MANIFESTS.items()}
FREEZING = {package: names[1] for package, names in release.MANIFESTS.items()}
OLD_MIP = ROOT / "tests" / "doubles" / "old_mip.py"

pytestmark = pytest.mark.timeout(120)


def files_of(package, folder=ROOT, suffix=".py"):
    """The files that a board needs for the package, by their names there."""
    return {name: (folder / name).read_bytes() for name in release.files(package, suffix)}


def check_installed(board, package, files=None):
    files = files or files_of(package)
    assert content(board.root / "lib") == files
    code = f"from {package} import HTTPServer; import url; print(HTTPServer, url.__file__)"
    output = board.mpremote("exec", code)
    assert "/lib/url.mpy" in output if "url.mpy" in files else "/lib/url.py" in output


def test_manifest(package):
    """Both manifests name all files that there are; `make manifests` writes them."""
    manifest = json.loads((ROOT / MANIFEST[package]).read_text())
    assert manifest["urls"] == [[name, name] for name in files_of(package)], "make manifests"


# From a clone


def test_mip_from_clone(board, package):
    board.mpremote("mip", "install", "./" + MANIFEST[package])
    check_installed(board, package)


def test_mip_from_address(board, package, serve_folder):
    address = f"{serve_folder(ROOT)}/{MANIFEST[package]}"
    board.mpremote("mip", "install", address)
    check_installed(board, package)


def test_mip_on_the_board(board, package, serve_folder):
    address = f"{serve_folder(ROOT)}/{MANIFEST[package]}"
    board.mpremote("exec", f"import mip; mip.install({address!r})")
    check_installed(board, package)


def test_old_mip_does_not_know_relative_addresses(board, package, serve_folder):
    """What the README says of firmware 1.21 to 1.24, and that nothing is left behind."""
    address = f"{serve_folder(ROOT)}/{MANIFEST[package]}"
    shutil.copy(OLD_MIP, board.root)
    with pytest.raises(AssertionError, match="ValueError"):
        board.mpremote("exec", f"import old_mip; old_mip.install({address!r})")
    assert not (board.root / "lib").exists()


@pytest.fixture(scope="module")
def built():
    """build/mpy and the images, from the sources as they are."""
    subprocess.run(["make", "-s", "romfs"], cwd=ROOT, check=True, stdout=subprocess.DEVNULL)


def test_mip_of_compiled_files(board, package, built):
    """make mpy, and then from the PC."""
    board.mpremote("mip", "install", f"build/mpy/{MANIFEST[package]}")
    check_installed(board, package, files_of(package, ROOT / "build" / "mpy", ".mpy"))


# From an index


def make_index(folder, package, suffix, source):
    """Writes a package index as mip reads it: lists of hashes, and files by their hash."""
    hashes = []
    for name, data in files_of(package, source, suffix).items():
        digest = hashlib.sha256(data).hexdigest()[:8]
        (folder / "file" / digest[:2]).mkdir(parents=True, exist_ok=True)
        (folder / "file" / digest[:2] / digest).write_bytes(data)
        hashes.append([name, digest])
    version = "6" if suffix == ".mpy" else "py"  # the format of .mpy files of MicroPython 1.2x
    (folder / "package" / version / package).mkdir(parents=True)
    latest = folder / "package" / version / package / "latest.json"
    latest.write_text(json.dumps({"v": 1, "version": "1.0.0", "hashes": hashes}))


def test_mip_from_index(board, package, serve_folder, tmp_path, built):
    index = tmp_path / "index"
    index.mkdir()
    make_index(index, package, ".py", ROOT)
    make_index(index, package, ".mpy", ROOT / "build" / "mpy")
    address = serve_folder(index)
    board.mpremote("mip", "install", "--index", address, "--no-mpy", package)
    check_installed(board, package)
    code = f"import mip; mip.install({package!r}, index={address!r}, target='/compiled')"
    board.mpremote("exec", code)
    assert content(board.root / "compiled").keys() == set(release.files(package, ".mpy"))
    code = f"import sys; sys.path.insert(0, '/compiled'); import {package}; print({package})"
    assert "/compiled/" in board.mpremote("exec", code)


# From a release


def git(folder, *arguments):
    identity = ("-c", "user.name=Test", "-c", "user.email=test@example.org")
    subprocess.run(["git", "-C", folder, *identity, *arguments], check=True, capture_output=True)


def make_release(project, address):
    """`make release`; the environment is the one that there is, whatever the copy's dates say."""
    return subprocess.run(
        ["make", "-s", "-o", ".venv/ready", "release", f"ADDRESS={address}"],
        cwd=project,
        capture_output=True,
        text=True,
    )


@pytest.fixture(scope="module")
def project(tmp_path_factory):
    """A copy of the project as it is, in a repository of its own, without date and tag."""
    folder = tmp_path_factory.mktemp("release") / "project"
    command = ["git", "-C", ROOT, "ls-files", "-z", "-co", "--exclude-standard"]
    names = subprocess.run(command, check=True, capture_output=True, text=True).stdout
    for name in filter(None, names.split("\0")):
        if (ROOT / name).is_file():
            release.copy(ROOT / name, folder / name)
    (folder / "tools" / "release.py").chmod(0o755)
    (folder / ".venv").symlink_to(sys.prefix)
    (folder / ".git").mkdir()
    git(folder, "init", "-q")
    (folder / ".git" / "info" / "exclude").write_text(".venv\n")
    git(folder, "add", "-A")
    git(folder, "commit", "-qm", "All of it")
    return folder


@pytest.fixture(scope="module")
def released(project):
    """The folder of a release, and the address at which a web server has it."""
    version = release.version()
    changes = (project / "CHANGELOG.md").read_text()
    dated = re.sub(rf"(## \[{re.escape(version)}\] - ).*", r"\g<1>2026-11-30", changes)
    (project / "CHANGELOG.md").write_text(dated)
    git(project, "commit", "-qam", "The day", "--allow-empty")
    git(project, "tag", f"v{version}")
    folder = project / "build" / "release"
    folder.mkdir(parents=True)
    with serving(project / "build") as place:
        address = place + "/release"
        done = make_release(project, address)
        assert done.returncode == 0, done.stdout + done.stderr
        assert f"mpremote mip install {address}/package.json" in done.stdout
        yield folder, address


def test_release_needs_a_tag_and_a_place(project):
    (project / "remark.txt").write_text("not committed")
    try:
        done = make_release(project, "")
    finally:
        (project / "remark.txt").unlink()
    assert done.returncode
    for reason in ("no tag v", "without a commit", "ADDRESS: is missing"):
        assert reason in done.stderr, done.stderr
    assert not (project / "build" / "release").exists()


@pytest.mark.parametrize("name", sorted(set(release.versions()) - {"pyproject.toml"}))
def test_release_needs_one_version(name, monkeypatch):
    found = {**release.versions(), name: "0.9.9"}
    monkeypatch.setattr(release, "versions", lambda: found)
    assert f"{name}: version 0.9.9" in release.problems()


def test_release_folder(released):
    folder, address = released
    check = ["sha256sum", "--check", "--strict", "--quiet", "SHA256SUMS"]
    assert subprocess.run(check, cwd=folder, capture_output=True).returncode == 0
    listed = {line.split("  ", 1)[1] for line in (folder / "SHA256SUMS").read_text().splitlines()}
    assert listed == set(content(folder)) - {"SHA256SUMS"}
    [path] = folder.glob("*.zip")
    with zipfile.ZipFile(path) as archive:
        names = {name.partition("/")[2] for name in archive.namelist()}
    assert names >= listed - {path.name} and {"LICENSE", "README.md"} <= names
    for package in PACKAGES:
        for place in (folder, folder / "mpy6"):
            manifest = json.loads((place / MANIFEST[package]).read_text())
            assert manifest["version"] == release.version()
            base = address + place.as_posix().removeprefix(folder.as_posix())
            assert all(url == f"{base}/{name}" for name, url in manifest["urls"])


def test_release_for_a_repository():
    """mip looks such addresses up with the version that its user names."""
    manifest = json.loads(release.manifest("httpserver", ".mpy", "github:somebody/name/mpy6/"))
    assert ["url.mpy", "github:somebody/name/mpy6/url.mpy"] in manifest["urls"]
    text = release.instructions("github:somebody/name")
    assert f"github:somebody/name/mpy6/package.json@release-{release.version()}" in text


FORMS = pytest.mark.parametrize("form", ["py", "mpy"])


def files_of_release(released, package, form):
    """The address of the manifest, and the files that have to be there then."""
    folder, address = released
    if form == "mpy":
        folder, address = folder / "mpy6", address + "/mpy6"
    return f"{address}/{MANIFEST[package]}", files_of(package, folder, "." + form)


@FORMS
def test_mip_from_release(board, package, released, form):
    address, files = files_of_release(released, package, form)
    board.mpremote("mip", "install", address)
    check_installed(board, package, files)


@FORMS
@pytest.mark.parametrize("mip", ["mip", "old_mip"])
def test_mip_from_release_on_the_board(board, package, released, form, mip):
    address, files = files_of_release(released, package, form)
    if mip == "old_mip":
        shutil.copy(OLD_MIP, board.root)
    board.mpremote("exec", f"import {mip}; {mip}.install({address!r})")
    check_installed(board, package, files)


# Flash that is no file system for long: ROMFS and firmware


ROM = """
import os, sys, vfs
image = bytearray(os.stat({image!r})[6])
with open({image!r}, "rb") as file:
    file.readinto(image)
vfs.mount(vfs.VfsRom(image), "/rom")
sys.path[:] = ["", ".frozen", "/rom/lib", {folder!r}, {apps!r}]
import {package}, url
assert "/rom/lib/{package}/" in {package}.__file__ and url.__file__ == "/rom/lib/url.mpy"
with open({program!r}) as file:
    exec(file.read())
"""


def test_romfs(package, tmp_path, built):
    """A server whose modules are read where they lie, in an image as a board's flash has it."""
    image = ROOT / "build" / f"{package}.romfs"
    program = translate("hello", package, tmp_path)
    names = {"package": package, "program": str(program), "folder": str(program.parent)}
    text = ROM.format(image=str(image), apps=str(APPS), **names)
    (tmp_path / "rom.py").write_text(text)
    process = Process(tmp_path / "rom.py", tmp_path)
    try:
        process.wait_listening()
        assert process.get("/").body == b"hello"
    finally:
        process.finish()


class Manifest:
    """What MicroPython's own tool offers to a manifest, as far as ours use it."""

    def __init__(self, path):
        self.files, self.about = [], None
        names = {"metadata": self.metadata, "package": self.package, "module": self.module}
        exec(path.read_text(), names)

    def metadata(self, *, version, description, license):
        assert self.about is None
        self.about = version, description, license

    def package(self, name):
        paths = sorted((ROOT / name).rglob("*.py"))
        self.files += [path.relative_to(ROOT).as_posix() for path in paths]

    def module(self, name):
        assert (ROOT / name).is_file()
        self.files.append(name)


def test_manifest_for_freezing(package):
    manifest = Manifest(ROOT / FREEZING[package])
    assert manifest.files == release.files(package)
    assert manifest.about[0] == release.version() and manifest.about[2] == "MIT"


# Not for PCs


def test_wheel_without_modules(tmp_path):
    """`pip wheel` works, but installs no module: httpserver on PyPI is somebody else's."""
    command = [sys.executable, "-m", "pip", "wheel", "--no-deps", "--no-build-isolation"]
    environment = {**os.environ, "PIP_NO_INDEX": "1", "PIP_DISABLE_PIP_VERSION_CHECK": "1"}
    copy = tmp_path / "copy"  # setuptools leaves a folder beside the sources
    shutil.copytree(ROOT, copy, ignore=shutil.ignore_patterns(".*", "build"))
    done = subprocess.run(
        [*command, "-w", tmp_path, copy], env=environment, capture_output=True, text=True
    )
    assert done.returncode == 0, done.stdout + done.stderr
    [wheel] = Path(tmp_path).glob("*.whl")
    with zipfile.ZipFile(wheel) as archive:
        names = archive.namelist()
    assert names and all(".dist-info/" in name for name in names), names
