"""Downloads: whole or not at all, checked, cached, unpacked only into their folder."""

import concurrent.futures
import hashlib
import io
import os
import subprocess
import sys
import tarfile
import time
import zipfile

import pytest

import cornu
from cornu.utils import files, get_file, validate_file

DATA = bytes(range(256)) * 500


def tar(members: dict[str, bytes | tarfile.TarInfo], mode: str = "w:gz") -> bytes:
    file = io.BytesIO()
    with tarfile.open(fileobj=file, mode=mode) as archive:
        for name, data in members.items():
            if isinstance(data, tarfile.TarInfo):
                archive.addfile(data)
                continue
            info = tarfile.TarInfo(name)
            info.size = len(data)
            archive.addfile(info, io.BytesIO(data))
    return file.getvalue()


def zipped(members: dict[str, bytes]) -> bytes:
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w") as archive:
        for name, data in members.items():
            archive.writestr(name, data)
    return file.getvalue()


def link(name: str, target: str, kind: bytes = tarfile.SYMTYPE) -> tarfile.TarInfo:
    info = tarfile.TarInfo(name)
    info.type, info.linkname = kind, target
    return info


# ---- downloading -------------------------------------------------------------------------------------


@pytest.mark.parametrize("digest", ["md5", "sha256", None])
def test_downloaded_once(home, site, digest, capsys):
    site.files["/some/data.bin"] = DATA
    file_hash = hashlib.new(digest, DATA).hexdigest() if digest else None
    for _ in range(2):
        path = get_file("data.bin", f"{site.url}/some/data.bin", file_hash=file_hash)
        assert path == str(home / "datasets" / "data.bin")
        assert open(path, "rb").read() == DATA
    assert site.asked == ["/some/data.bin"]
    assert capsys.readouterr().out.count("Downloading data from") == 1
    assert os.listdir(home / "datasets") == ["data.bin"]


def test_name_from_the_url_and_other_folders(home, site, tmp_path):
    site.files["/x/some.txt?a=b"] = b"1"
    path = get_file(origin=f"{site.url}/x/some.txt?a=b", cache_subdir="models")
    assert path == str(home / "models" / "some.txt")
    path = get_file(origin=f"{site.url}/x/some.txt?a=b", cache_dir=tmp_path / "there")
    assert path == str(tmp_path / "there" / "datasets" / "some.txt")


def test_era_1_order_and_absolute_paths(home, site, tmp_path):
    cornu.set_era(1)
    site.files["/a.txt"] = DATA
    path = get_file("a.txt", f"{site.url}/a.txt", False, hashlib.md5(DATA).hexdigest(), "models")
    assert path == str(home / "models" / "a.txt")
    assert validate_file(path, md5_hash=hashlib.md5(DATA).hexdigest())
    path = get_file(str(tmp_path / "b.txt"), f"{site.url}/a.txt")
    assert path == str(tmp_path / "b.txt") and os.path.exists(path)


def test_what_differs_is_downloaded_again(home, site, capsys):
    site.files["/a"] = DATA
    folder = home / "datasets"
    folder.mkdir(parents=True)
    (folder / "a").write_bytes(b"old")
    get_file("a", f"{site.url}/a")
    assert (folder / "a").read_bytes() == b"old"
    get_file("a", f"{site.url}/a", file_hash=hashlib.sha256(DATA).hexdigest())
    assert (folder / "a").read_bytes() == DATA
    assert "is not what its hash says" in capsys.readouterr().out
    site.files["/a"] = b"new"
    get_file("a", f"{site.url}/a", force_download=True)
    assert (folder / "a").read_bytes() == b"new"


def test_half_a_file_is_none(home, site):
    site.files["/a"], site.cut = DATA, {"/a"}
    with pytest.raises(
        OSError, match="broke off after 64000 of 128000 bytes. If you have the file, put it at"
    ):
        get_file("a", f"{site.url}/a")
    assert os.listdir(home / "datasets") == []


def test_wrong_hash_keeps_nothing(home, site):
    site.files["/a"] = DATA
    with pytest.raises(ValueError, match="its sha256 hash is not 0000.*Nothing was kept"):
        get_file("a", f"{site.url}/a", file_hash="0" * 64)
    assert os.listdir(home / "datasets") == []
    with pytest.raises(ValueError, match="32 or a SHA-256 of 64"):
        get_file("a", f"{site.url}/a", file_hash="123")


def test_what_is_not_there(home, site):
    with pytest.raises(OSError, match="404 Not Found"):
        get_file("a", f"{site.url}/a")
    with pytest.raises(OSError, match="could not be downloaded"):
        get_file("a", f"file://{home}/nothing")


def test_which_urls_are_safe():
    assert files._safe("https://a.org/b") == "https://a.org/b"
    assert files._safe("http://127.0.0.1:80/b") == "http://127.0.0.1:80/b"
    assert files._safe("http://[::1]/b") == "http://[::1]/b"
    assert files._safe("http://a.org/b?c") == "https://a.org/b?c"
    for url in ("ftp://a.org/b", "a.org/b", "data:,x"):
        with pytest.raises(ValueError, match="starts with https:// or file://"):
            files._safe(url)
    for name in ("", "a/b", "/a"):
        with pytest.raises(ValueError, match="`fname` is the name of a file"):
            get_file(name, "https://a.org/")
    with pytest.raises(ValueError, match="`origin` is the URL"):
        get_file("a")


def test_redirects_stay_safe(home, site):
    site.files["/b"] = b"1"
    site.redirects = {"/a": f"{site.url}/b", "/c": "ftp://127.0.0.1/x", "/d": "file:///etc/hostname"}
    assert open(get_file("a", f"{site.url}/a"), "rb").read() == b"1"
    for path in ("/c", "/d"):
        with pytest.raises((ValueError, OSError)):
            get_file(path[1:], site.url + path)


def test_files_of_this_machine(home, tmp_path):
    (tmp_path / "a.txt").write_bytes(DATA)
    assert open(get_file("b.txt", f"file://{tmp_path}/a.txt"), "rb").read() == DATA


def test_threads_download_once(home, site):
    site.files["/a"] = DATA
    with concurrent.futures.ThreadPoolExecutor(8) as pool:
        paths = list(pool.map(lambda _: get_file("a", f"{site.url}/a"), range(8)))
    assert len({*paths}) == 1
    assert site.asked == ["/a"]


HOLDER = """
import fcntl, sys, time
with open(sys.argv[1], "a") as file:
    fcntl.flock(file, fcntl.LOCK_EX)
    print("held", flush=True)
    time.sleep(0.3)
"""


def test_processes_wait_for_one_another(tmp_path):
    command = [sys.executable, "-c", HOLDER, str(tmp_path / ".a.lock")]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as other:
        assert other.stdout.readline() == "held\n"
        started = time.monotonic()
        with files.locked(str(tmp_path / "a")):
            assert time.monotonic() - started > 0.2


def test_urlretrieve(site, tmp_path):
    site.files["/a"], told = DATA, []
    name, headers = files.urlretrieve(f"{site.url}/a", tmp_path / "a", lambda *numbers: told.append(numbers))
    assert (tmp_path / "a").read_bytes() == DATA and name == str(tmp_path / "a")
    assert headers["Content-Length"] == str(len(DATA)) and told[-1] == (2, files.BLOCK, len(DATA))


def test_no_place_to_write(site, tmp_path, monkeypatch):
    blocked = tmp_path / "file"
    blocked.write_text("")
    monkeypatch.setenv("KERAS_HOME", str(blocked))
    monkeypatch.setattr(files.tempfile, "gettempdir", lambda: str(tmp_path))
    site.files["/a"] = b"1"
    path = get_file("a", f"{site.url}/a")
    assert path.startswith(str(tmp_path / ".keras-"))


# ---- unpacking ---------------------------------------------------------------------------------------

MEMBERS = {"top/a.txt": b"1", "top/deep/b.txt": b"2"}


@pytest.mark.parametrize("make", [tar, zipped])
def test_era_3_unpacks_into_a_folder_of_its_own(home, site, make):
    site.files["/x.tar.gz"] = make(MEMBERS)
    for name, folder in (("some.tar.gz", "some_extracted"), ("other", "other")):
        for _ in range(2):
            path = get_file(name, f"{site.url}/x.tar.gz", extract=True)
            assert path == str(home / "datasets" / folder)
            assert open(os.path.join(path, "top", "deep", "b.txt")).read() == "2"
    assert sorted(os.listdir(home / "datasets")) == [
        "other",
        "other_archive",
        "some.tar.gz",
        "some_extracted",
    ]
    assert len(site.asked) == 2


@pytest.mark.parametrize("era", [1, 2])
def test_eras_1_and_2_unpack_beside_it(home, site, era):
    cornu.set_era(era)
    site.files["/x.tar.gz"] = tar(MEMBERS)
    for _ in range(2):
        path = get_file("top", f"{site.url}/x.tar.gz", untar=True)
        assert path == str(home / "datasets" / "top")
        assert open(os.path.join(path, "a.txt")).read() == "1"
    assert len(site.asked) == 1
    if era == 2:
        site.files["/y.zip"] = zipped({"c.txt": b"3"})
        assert get_file("y.zip", f"{site.url}/y.zip", extract=True) == str(home / "datasets" / "y.zip")
        assert (home / "datasets" / "c.txt").read_text() == "3"


BAD = {
    "above": tar({"../evil": b"1"}),
    "absolute": tar({"/tmp/evil": b"1"}),
    "link out": tar({"a": link("a", "../../evil"), "a/b": b"1"}),
    "absolute link": tar({"a": link("a", "/etc")}),
    "hard link": tar({"a": link("a", "../evil", tarfile.LNKTYPE)}),
    "device": tar({"a": link("a", "", tarfile.CHRTYPE)}),
    "zip above": zipped({"../evil": b"1"}),
    "zip absolute": zipped({"/evil": b"1"}),
    "zip backslash": zipped({"..\\evil": b"1"}),
    "zip drive": zipped({"C:\\evil": b"1"}),
}


@pytest.mark.parametrize("case", BAD)
def test_archives_that_lead_elsewhere_are_refused(home, site, case):
    site.files["/x"] = BAD[case]
    with pytest.raises(ValueError, match="The archive"):
        get_file("x", f"{site.url}/x", extract=True)
    assert os.listdir(home / "datasets") == ["x_archive"]
    assert not list(home.glob("**/*evil*"))


def test_links_within_stay(home, site):
    site.files["/x"] = tar({"top/a": b"1", "top/b": link("top/b", "a"), "top/c": link("top/c", "../top/a")})
    path = get_file("x", f"{site.url}/x", extract=True)
    assert open(os.path.join(path, "top", "c")).read() == "1"


def test_what_is_no_archive(home, site):
    site.files["/x"] = b"text"
    with pytest.warns(UserWarning, match="is no archive"):
        get_file("x", f"{site.url}/x", extract=True)
    with pytest.raises(ValueError, match="archive_format is 'auto', 'tar', 'zip'; got 'rar'"):
        get_file("x", f"{site.url}/x", extract=True, archive_format="rar")
