"""What `get_file` refuses: archives that swell, downloads that may be parts, folders that are others'."""

import gzip
import io
import os
import subprocess
import sys
import tarfile
import zipfile

import pytest

from cornu.utils import files, get_file


def swelling_zip() -> bytes:
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("a", bytes(20_000_000))
    return file.getvalue()


def swelling_tar() -> bytes:
    file = io.BytesIO()
    with tarfile.open(fileobj=file, mode="w:gz") as archive:
        info = tarfile.TarInfo("a")
        info.size = 20_000_000
        archive.addfile(info, io.BytesIO(bytes(info.size)))
    return file.getvalue()


@pytest.mark.parametrize("make", [swelling_zip, swelling_tar])
def test_archives_that_swell(home, site, monkeypatch, make):
    monkeypatch.setattr(files, "UNPACKED", 1_000_000)
    site.files["/x"] = make()
    assert len(site.files["/x"]) < 50_000
    with pytest.raises(ValueError, match="more than .* bytes unpacked.*unpack it yourself"):
        get_file("x", f"{site.url}/x", extract=True)
    assert os.listdir(home / "datasets") == ["x_archive"]


def test_archives_that_are_large_in_earnest(home, site, monkeypatch):
    monkeypatch.setattr(files, "UNPACKED", 1000)
    file, data = io.BytesIO(), os.urandom(100_000)
    with tarfile.open(fileobj=file, mode="w:gz") as archive:
        info = tarfile.TarInfo("a")
        info.size = len(data)
        archive.addfile(info, io.BytesIO(data))
    site.files["/x"] = file.getvalue()
    path = get_file("x", f"{site.url}/x", extract=True)
    assert open(os.path.join(path, "a"), "rb").read() == data


@pytest.mark.parametrize("kind", files._Member.SAID)
def test_tar_headers_that_swell(home, site, kind):
    """A name of two gigabytes, which a reader would take into memory before it knows what follows."""
    info = tarfile.TarInfo("././@LongLink")
    info.type, info.size = kind, 1 << 31
    site.files["/x"] = gzip.compress(info.tobuf(tarfile.GNU_FORMAT) + bytes(10_000))
    with pytest.raises(ValueError, match="a header of 2,147,483,648 bytes"):
        get_file("x", f"{site.url}/x", extract=True)


def test_long_names_are_read(home, site):
    file, name = io.BytesIO(), "/".join(["folder" * 10] * 5) + "/a"
    with tarfile.open(fileobj=file, mode="w", format=tarfile.PAX_FORMAT) as archive:
        archive.addfile(tarfile.TarInfo(name))
    site.files["/x"] = file.getvalue()
    assert os.path.exists(os.path.join(get_file("x", f"{site.url}/x", extract=True), name))


def test_a_download_without_an_end(home, site):
    """Without a length, an answer that broke off looks like a whole one."""
    site.files["/x"], site.endless = b"data", {"/x"}
    with pytest.raises(OSError, match="does not say how long it is.*`file_hash`"):
        get_file("x", f"{site.url}/x")
    assert os.listdir(home / "datasets") == []
    digest = files.hashlib.sha256(b"data").hexdigest()
    assert open(get_file("x", f"{site.url}/x", file_hash=digest), "rb").read() == b"data"


def test_urlretrieve_keeps_nothing_half(site, tmp_path):
    site.files["/x"], site.cut = bytes(1000), {"/x"}
    (tmp_path / "x").write_bytes(b"old")
    with pytest.raises(OSError, match="broke off"):
        files.urlretrieve(f"{site.url}/x", tmp_path / "x")
    assert (tmp_path / "x").read_bytes() == b"old" and len(os.listdir(tmp_path)) == 1


@pytest.mark.skipif(not hasattr(os, "getuid"), reason="needs owners of files")
def test_temporary_folders_of_others(site, tmp_path, monkeypatch):
    (tmp_path / "blocked").write_text("")
    monkeypatch.setenv("KERAS_HOME", str(tmp_path / "blocked"))
    monkeypatch.setattr(files.tempfile, "gettempdir", lambda: str(tmp_path))
    folder = tmp_path / f".keras-{os.getuid()}"
    folder.mkdir()
    folder.chmod(0o777)
    with pytest.raises(PermissionError, match="not yours alone: set KERAS_HOME"):
        get_file("x", f"{site.url}/x")
    folder.rmdir()
    folder.symlink_to(tmp_path)
    with pytest.raises((PermissionError, FileExistsError)):
        get_file("x", f"{site.url}/x")


ASKS = """
import sys
from cornu.utils import get_file
print(get_file("x", sys.argv[1]), file=sys.stderr)
"""


def test_processes_download_once(home, site):
    site.files["/x"] = bytes(100_000)
    command = [sys.executable, "-c", ASKS, f"{site.url}/x"]
    environment = {**os.environ, "JAX_PLATFORMS": "cpu"}
    running = [subprocess.Popen(command, env=environment, stdout=subprocess.DEVNULL) for _ in range(3)]
    assert [each.wait() for each in running] == [0, 0, 0]
    assert site.asked == ["/x"]
    assert os.listdir(home / "datasets") == ["x"]
