"""Files from the network: downloaded once, checked, unpacked, and never half there."""

import contextlib
import hashlib
import http.client
import ipaddress
import os
import pathlib
import shutil
import stat
import tarfile
import tempfile
import time
import urllib.error
import urllib.parse
import urllib.request
import warnings
import zipfile
from collections.abc import Callable, Iterable, Iterator
from typing import IO, Any, NamedTuple

from .. import config, safety
from ..eras import border
from ..training.progress import Progbar

try:
    import fcntl
except ImportError:  # on Windows
    fcntl = None

BLOCK = 1 << 16  # bytes that are read at once
TIMEOUT = 60  # seconds without an answer
HASHES = {32: "md5", 64: "sha256"}  # by the length of the digest
ARCHIVES = ("tar", "zip")
UNPACKED = 1 << 30  # bytes that may come out of any archive; of a large one `safety.RATIO` times its size
HEADER = 1 << 20  # bytes of a long name or the like in a tar file


@border.method("get_file")
def get_file(
    fname: str | os.PathLike | None = None,
    origin: str | None = None,
    untar: bool = False,
    md5_hash: str | None = None,
    file_hash: str | None = None,
    cache_subdir: str = "datasets",
    hash_algorithm: str = "auto",
    extract: bool = False,
    archive_format: str | Iterable[str] | None = "auto",
    cache_dir: str | os.PathLike | None = None,
    force_download: bool = False,
) -> str:
    """The path of a file that is downloaded if it is not there, or not what its hash says.

    Several processes may ask at once; one downloads. In eras 1 and 2 an archive's contents come to lie beside it, and
    `untar` names one of them; in era 3 they have a folder of their own.

    Args:
        fname: name of the file; that at the end of `origin` if None. In eras 1 and 2 it may be an absolute path.
        origin: URL: `https://...`, `file://...`, or `http://...` on this machine; others with `http` are asked by
            `https`.
        untar: whether to unpack it as a tar file.
        md5_hash, file_hash: what the file's MD5 or SHA-256 has to be.
        cache_subdir: folder in the cache.
        hash_algorithm: 'md5', 'sha256', or 'auto': by the length of the hash.
        extract: whether to unpack it.
        archive_format: 'tar', 'zip', a list of these, or 'auto' for both.
        cache_dir: the cache; by default what the environment variable KERAS_HOME says, or `~/.keras`.
        force_download: whether to download it in any case.

    Returns the path of the file, or of what came out of it.
    Raises ValueError for a URL that is not safe, a hash that differs, and an archive that would write elsewhere;
    OSError where the download fails.
    """
    if not origin:
        raise ValueError("get_file: `origin` is the URL of the file")
    url = _safe(origin)
    name = os.fspath(fname) if fname else os.path.basename(urllib.parse.urlsplit(origin).path)
    if not name or (config.era() == 3 and os.path.basename(name) != name):
        raise ValueError(
            f"get_file: `fname` is the name of a file, without folders (see `cache_dir`, `cache_subdir`); got {name!r}"
        )
    if md5_hash and not file_hash:
        file_hash, hash_algorithm = md5_hash, "md5"
    if file_hash:
        _algorithm(hash_algorithm, file_hash)
    formats = ("tar",) if untar else _formats(archive_format) if extract else ()
    places = _places(_folder(cache_dir, cache_subdir), name, untar, bool(formats))

    def is_there() -> bool:
        whole = os.path.exists(places.file) and (
            not file_hash or validate_file(places.file, file_hash, hash_algorithm)
        )
        return whole and not force_download

    if is_there() and (not formats or os.path.exists(places.result) and places.result != places.file):
        return places.result
    os.makedirs(os.path.dirname(places.file), exist_ok=True)
    with locked(places.file):
        fresh = not is_there()  # perhaps another process has just done it
        if fresh:
            if os.path.exists(places.file) and not force_download:
                print(f"{places.file} is not what its hash says; downloading it again")
            _download(url, places.file, file_hash, hash_algorithm)
        if formats:
            _unpack(places, formats, fresh)
    return places.result


# ---- where things are -----------------------------------------------------------------------------


class Places(NamedTuple):
    """Where the file is, where what is in it comes to be, and what is told to who asked."""

    file: str
    within: str
    result: str


def _places(folder: str, name: str, untar: bool, unpacked: bool) -> Places:
    path = os.path.join(folder, name)
    if not unpacked:
        return Places(path, folder, path)
    if config.era() < 3:
        return Places(f"{path}.tar.gz", folder, path) if untar else Places(path, folder, path)
    if "." in name:
        made = os.path.join(folder, f"{name.partition('.')[0]}_extracted")
        return Places(path, made, made)
    return Places(f"{path}_archive", path, path)


def keras_home() -> str:
    """The folder for what is kept between runs: KERAS_HOME, or `~/.keras`."""
    return os.environ.get("KERAS_HOME") or os.path.join(os.path.expanduser("~"), ".keras")


def _folder(cache_dir, cache_subdir: str) -> str:
    """The folder in the cache, which is made; where nothing may be written there, one for temporary files."""
    base = os.path.expanduser(os.fspath(cache_dir) if cache_dir else keras_home())
    folder = os.path.join(base, cache_subdir)
    try:
        os.makedirs(folder, exist_ok=True)
    except OSError:
        folder = os.path.join(_own_temporary_folder(), cache_subdir)
        os.makedirs(folder, exist_ok=True)
    return folder


def _own_temporary_folder() -> str:
    """A folder for temporary files in which nobody else may write; PermissionError where somebody else made it."""
    owner = getattr(os, "getuid", lambda: None)()
    folder = os.path.join(tempfile.gettempdir(), f".keras-{'user' if owner is None else owner}")
    os.makedirs(folder, mode=0o700, exist_ok=True)
    found = os.lstat(folder)
    if not stat.S_ISDIR(found.st_mode) or owner not in (None, found.st_uid) or found.st_mode & 0o022:
        raise PermissionError(
            f"{folder} is not yours alone: set KERAS_HOME to a folder that you may write in"
        )
    return folder


@contextlib.contextmanager
def locked(path: str) -> Iterator[None]:
    """Keep other threads and processes from doing the same for the length of a `with`."""
    lock = os.path.join(os.path.dirname(path), f".{os.path.basename(path)}.lock")
    if fcntl is None:
        with open(lock, "a") as file:
            _lock_on_windows(file)
            yield  # closing the file sets the lock free
        return
    while True:
        with open(lock, "a") as file:
            fcntl.flock(file, fcntl.LOCK_EX)
            if not _is_still(lock, file):  # who had it before has taken the file away
                continue
            try:
                yield
            finally:
                os.unlink(lock)
            return


def _is_still(path: str, file) -> bool:
    """Whether an open file is the one that has this name."""
    try:
        return os.path.samestat(os.stat(path), os.fstat(file.fileno()))
    except FileNotFoundError:
        return False


def _lock_on_windows(file) -> None:
    import msvcrt  # is only there

    while True:
        try:
            return msvcrt.locking(file.fileno(), msvcrt.LK_NBLCK, 1)
        except OSError:
            time.sleep(0.1)


def cached(name: str, file_hash: str | None = None, cache_subdir: str = "datasets") -> str | None:
    """The path of a file in the cache, if it is there and what its hash says."""
    path = os.path.join(_folder(None, cache_subdir), name)
    return path if os.path.exists(path) and (not file_hash or validate_file(path, file_hash)) else None


# ---- downloading ----------------------------------------------------------------------------------


def _is_this_machine(host: str | None) -> bool:
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host or "").is_loopback
    except ValueError:
        return False


def _safe(url: str) -> str:
    """The URL, by `https` where it was `http`; ValueError for other schemes."""
    parts = urllib.parse.urlsplit(url)
    if parts.scheme in ("https", "file") or (parts.scheme == "http" and _is_this_machine(parts.hostname)):
        return url
    if parts.scheme == "http":
        return urllib.parse.urlunsplit(parts._replace(scheme="https"))
    raise ValueError(f"get_file: a URL starts with https:// or file://; got {url!r}")


class _Redirects(urllib.request.HTTPRedirectHandler):
    def redirect_request(self, req, fp, code, msg, headers, newurl):
        if urllib.parse.urlsplit(newurl).scheme == "file":
            raise ValueError(f"{req.full_url} leads to {newurl}, a file of this machine")
        return super().redirect_request(req, fp, code, msg, headers, _safe(newurl))


def _download(url: str, path: str, file_hash: str | None, algorithm: str) -> None:
    """Download into a temporary file, which takes its name once it is whole and what its hash says."""
    print(f"Downloading data from {url}")
    bar = None

    def show(seen: int, size: int | None) -> None:
        nonlocal bar
        bar = bar or Progbar(size)
        bar.update(seen, finalize=seen == size)

    try:
        with _arriving(path) as file:
            _fetch(url, file, show, bool(file_hash))
            file.flush()
            if file_hash and not validate_file(file.name, file_hash, algorithm):
                raise ValueError(
                    f"{url} is not the file that was expected: its {_algorithm(algorithm, file_hash)} hash is not "
                    f"{file_hash}. Nothing was kept."
                )
    except (OSError, http.client.HTTPException) as error:
        reason = getattr(error, "reason", None) or error
        code = f"{error.code} " if isinstance(error, urllib.error.HTTPError) else ""
        raise OSError(
            f"{url} could not be downloaded: {code}{reason}. If you have the file, put it at {path}"
        ) from error


@contextlib.contextmanager
def _arriving(path: str) -> Iterator[IO[bytes]]:
    """A temporary file that takes the place of `path` if all goes well, and is gone if not."""
    folder, name = os.path.split(os.path.abspath(path))
    with tempfile.NamedTemporaryFile(prefix=f".{name}.", suffix=".part", dir=folder, delete=False) as file:
        try:
            yield file
            file.close()
            os.chmod(file.name, 0o666 & ~_umask())
            os.replace(file.name, path)
        except BaseException:
            file.close()
            os.unlink(file.name)
            raise


def _umask() -> int:
    mask = os.umask(0)
    os.umask(mask)
    return mask


def _fetch(url: str, file, told: Callable[[int, int | None], None], hashed: bool = False) -> Any:
    """Download into an open file; `told` hears how much is there, and how much there will be.

    Raises OSError where not all of it came, or that cannot be known: by a length, by chunks, or by its hash.
    """
    request = urllib.request.Request(url, headers={"User-Agent": "Mozilla/5.0 (compatible; cornu)"})
    opener = urllib.request.build_opener(_Redirects)
    with opener.open(request, timeout=TIMEOUT) as answer:
        size = answer.headers.get("Content-Length")
        size, seen = int(size) if size else None, 0
        while block := answer.read(BLOCK):
            file.write(block)
            seen += len(block)
            told(seen, size)
        ends = size is not None or getattr(answer, "chunked", False)  # so that a part is no whole
    if not ends and not hashed:
        raise OSError(
            "the server does not say how long it is, so a part would look like the whole; give `file_hash`"
        )
    if size is not None and seen != size:
        raise OSError(f"it broke off after {seen} of {size} bytes")
    return answer.headers


def urlretrieve(
    url: str, filename: str | os.PathLike, reporthook: Callable[[int, int, int], None] | None = None
) -> tuple[str, Any]:  # fmt: skip
    """Download into a file, without a cache; what is safe is what `get_file` takes for safe.

    Args:
        url: where it is.
        filename: where it goes.
        reporthook: told the number of blocks, the size of a block, and of the file (-1 if that is not known).

    Returns the name of the file, and what the server said about it.
    """

    def told(seen: int, size: int | None) -> None:
        if reporthook:
            reporthook(-(-seen // BLOCK), BLOCK, -1 if size is None else size)

    with _arriving(os.fspath(filename)) as file:
        headers = _fetch(_safe(url), file, told)
    return os.fspath(filename), headers


def _algorithm(name: str, file_hash: str) -> str:
    found = HASHES.get(len(file_hash)) if name == "auto" else name
    if found not in HASHES.values():
        raise ValueError(
            f"A file's hash is an MD5 of 32 or a SHA-256 of 64 hexadecimal digits; got {file_hash!r} ({name})"
        )
    return found


@border.method("validate_file")
def validate_file(
    fpath: str | os.PathLike, file_hash: str, algorithm: str = "auto", chunk_size: int = 65535
) -> bool:
    """Whether a file has this hash.

    Args:
        fpath: path of the file.
        file_hash: hexadecimal digits.
        algorithm: 'md5', 'sha256', or 'auto': by the number of digits.
        chunk_size: bytes that are read at once.
    """
    return hash_file(fpath, _algorithm(algorithm, file_hash), chunk_size) == file_hash.lower()


def hash_file(fpath: str | os.PathLike, algorithm: str = "sha256", chunk_size: int = 65535) -> str:
    """The hash of a file, as hexadecimal digits: 'sha256' or 'md5'."""
    digest = hashlib.new(algorithm, usedforsecurity=False)
    with open(fpath, "rb") as file:
        while block := file.read(chunk_size):
            digest.update(block)
    return digest.hexdigest()


# ---- unpacking ------------------------------------------------------------------------------------


def _formats(archive_format: str | Iterable[str] | None) -> tuple[str, ...]:
    if archive_format == "auto":
        return ARCHIVES
    formats = (archive_format,) if isinstance(archive_format, str) else tuple(archive_format or ())
    for each in formats:
        if each not in ARCHIVES:
            raise ValueError(f"archive_format is 'auto', {', '.join(map(repr, ARCHIVES))}; got {each!r}")
    return formats


def _unpack(places: Places, formats: tuple[str, ...], fresh: bool) -> None:
    """Unpack into a temporary folder, and put what came out in its place."""
    opened = _open(places.file, formats)
    if opened is None:
        warnings.warn(
            f"{places.file} is no archive ({' or '.join(formats)}): it is left as it is", stacklevel=4
        )
        return
    own = places.within != os.path.dirname(places.file)  # the contents have a folder of their own
    home = os.path.dirname(places.within) if own else places.within
    scratch = tempfile.mkdtemp(prefix=f".{os.path.basename(places.file)}.", dir=home)
    try:
        with opened as archive:
            _extract(archive, scratch, max(UNPACKED, safety.RATIO * os.path.getsize(places.file)))
        os.chmod(scratch, 0o777 & ~_umask())
        entries = (
            [("", places.within)]
            if own
            else [(each, os.path.join(home, each)) for each in os.listdir(scratch)]
        )
        for entry, target in entries:
            if fresh or not os.path.exists(target):
                _replace(os.path.join(scratch, entry), target)
    finally:
        shutil.rmtree(scratch, ignore_errors=True)


def _replace(source: str, target: str) -> None:
    if os.path.isdir(target) and not os.path.islink(target):
        shutil.rmtree(target)
    os.replace(source.rstrip(os.sep), target)


def _open(path: str, formats: tuple[str, ...]) -> tarfile.TarFile | zipfile.ZipFile | None:
    if "tar" in formats:
        with contextlib.suppress(tarfile.TarError, EOFError):
            return tarfile.open(path, tarinfo=_Member)
    if "zip" in formats and zipfile.is_zipfile(path):
        return zipfile.ZipFile(path)
    return None


class _Member(tarfile.TarInfo):
    """A member of a tar file; what is said about it beforehand must not be endless."""

    SAID = (b"x", b"g", b"X", b"L", b"K")  # types of headers that are read into memory

    @classmethod
    def frombuf(cls, buf, encoding, errors):
        made = super().frombuf(buf, encoding, errors)
        if made.type in cls.SAID and made.size > HEADER:
            raise ValueError(f"The archive has a header of {made.size:,} bytes; a name is never that long")
        return made


def _extract(archive: tarfile.TarFile | zipfile.ZipFile, folder: str, most: int) -> None:
    """Unpack an archive whose members all stay in the folder, and have at most so many bytes together.

    Raises ValueError, before anything is written, for one that has others.
    """
    total = 0

    def weigh(size: int) -> None:
        nonlocal total
        total += size
        if total > most:
            raise ValueError(
                f"The archive would have more than {most:,} bytes unpacked, too many for its size. "
                "If you trust it, unpack it yourself."
            )

    if isinstance(archive, zipfile.ZipFile):
        for each in archive.infolist():
            _check(each.filename, each.filename)
            weigh(each.file_size)
        archive.extractall(folder)
        return
    for member in archive:  # the sizes come before the contents: a bomb is seen before it is unpacked
        _check(member.name, member.name)
        weigh(member.size)
        if not hasattr(tarfile, "data_filter") and (member.issym() or member.islnk()):
            raise ValueError(f"The archive has a link {member.name!r}: this Python cannot unpack it safely")
        if member.issym():
            _check(member.name, os.path.join(os.path.dirname(member.name), member.linkname))
        elif member.islnk():
            _check(member.name, member.linkname)
        elif not (member.isreg() or member.isdir()):
            raise ValueError(f"The archive has a member {member.name!r} that is no file and no folder")
    try:
        archive.extractall(folder, **({"filter": "data"} if hasattr(tarfile, "data_filter") else {}))
    except tarfile.TarError as error:
        raise ValueError(f"The archive was not unpacked: {error}") from error


def _check(member: str, *paths: str) -> None:
    """Raise ValueError for a member of an archive that is, or leads, out of its folder."""
    for path in paths:
        pure = pathlib.PurePosixPath(path.replace("\\", "/"))
        inside = os.path.normpath(pure)
        if pure.is_absolute() or pathlib.PureWindowsPath(path).drive or inside.split(os.sep)[0] == "..":
            raise ValueError(f"The archive has a member {member!r} that leads out of its folder, to {path!r}")
