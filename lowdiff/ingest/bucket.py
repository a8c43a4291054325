"""Objects of a bucket as a source: S3, Google Cloud Storage, or any address of fsspec."""

from collections.abc import Iterator
from typing import Any

import fsspec

from lowdiff.catalog.queue import Offer
from lowdiff.errors import InputError, ServiceError
from lowdiff.ingest.limits import Limits
from lowdiff.ingest.members import is_hidden
from lowdiff.ingest.offered import Fetched, Found, Known, stamp_of
from lowdiff.ingest.source_kinds import BucketSource

EXTRAS = {"s3": "s3", "s3a": "s3", "gs": "gcs", "gcs": "gcs"}
"""Protocol → the extra of lowdiff that speaks it."""
VERSIONS = ("ETag", "etag", "mtime", "LastModified", "updated", "created")
"""Keys under which the backends tell an object's version, the best one first."""


class BucketItems:
    """An open bucket. An object's address is its whole URL: `s3://bucket/folder/a.png`."""

    def __init__(self, source: BucketSource) -> None:
        self._source = source
        self._protocol = source.url.partition("://")[0]
        self._opened: Any = None

    def found(self) -> Iterator[Found | InputError]:
        """Each object that the source's patterns name, in the order of the listing.

        Raises:
            InputError: the address is wrong, or we may not list it.
            ServiceError: the server fails.
        """
        files, prefix = self._files()
        listing = self._objects(files, prefix)
        while True:
            try:
                info = next(listing, None)
            except Exception as error:  # every backend raises errors of its own
                raise _told(self._source.url, error) from error
            if info is None:
                return
            path = str(info["name"])
            name = path.removeprefix(prefix).lstrip("/")
            if name and not name.endswith("/") and not is_hidden(name) and self._source.wants(name):
                size = info.get("size")
                url = f"{self._protocol}://{path.lstrip('/') if self._is_s3 else path}"
                offer = Offer(url=url, stamp=stamp_of(_version(info), {}))
                yield Found(offer, int(size) if size is not None else None)

    def read(self, url: str, *, limits: Limits, known: Known | None = None) -> Fetched:
        """The bytes of one object, its size checked before it is asked for.

        Raises:
            InputError: it is gone, forbidden or too big.
            ServiceError: the server fails.
        """
        files, prefix = self._files()
        path = url.partition("://")[2]
        inside = f"/{path.lstrip('/')}".removeprefix(f"/{prefix.lstrip('/')}/")
        if inside.startswith("/") or ".." in inside.split("/"):
            raise InputError(url, "lies outside its source", reason="gone", allowed=prefix)
        try:
            info = files.info(path)
            limits.check_bytes(int(info.get("size") or 0), item=url)
            most = int(limits.max_mb * 1e6) + 1
            body = bytes(files.cat_file(path, start=0, end=most))
        except InputError:
            raise
        except Exception as error:  # every backend raises errors of its own
            raise _told(url, error) from error
        limits.check_bytes(len(body), item=url)
        return Fetched(body, evidence={"version": _version(info)})

    def close(self) -> None:
        """Nothing is held that fsspec would not hold anyway."""

    @property
    def _is_s3(self) -> bool:
        return self._protocol in ("s3", "s3a")

    def _files(self) -> tuple[Any, str]:
        """The file system, and the prefix as it writes names."""
        if self._opened is None:
            try:
                self._opened = self._connect()
            except ImportError as error:
                extra = EXTRAS.get(self._protocol)
                raise InputError(
                    self._source.url,
                    f"{self._protocol}:// needs a package that is not installed ({error})",
                    reason="not_installed",
                    do=f"Run pip install 'lowdiff[{extra}]'." if extra else "Install it.",
                ) from error
            except ValueError as error:
                raise InputError(
                    self._source.url, f"is no address of fsspec ({error})", reason="bad_bucket"
                ) from error
        files, prefix = self._opened
        return files, str(prefix).rstrip("/")

    def _connect(self) -> tuple[Any, str]:
        url, options = self._source.url, dict[str, Any]()
        if self._protocol in EXTRAS:
            options["use_listings_cache"] = False
            if self._source.endpoint_url is not None:
                options["endpoint_url"] = self._source.endpoint_url
        if self._is_s3:
            options["anon"] = self._source.anonymous
        elif self._protocol in EXTRAS:
            # fsspec would take a class that first asks by gRPC what kind of bucket it is: for a
            # minute where nobody answers, and for nothing that reading needs
            from gcsfs.core import GCSFileSystem

            if self._source.anonymous:
                options["token"] = "anon"
            return GCSFileSystem(**options), GCSFileSystem._strip_protocol(url)
        opened: tuple[Any, str] = fsspec.core.url_to_fs(url, **options)
        return opened

    def _objects(self, files: Any, prefix: str) -> Iterator[dict[str, Any]]:
        if self._is_s3:
            return _s3_objects(files, prefix)
        return _walked_objects(files, prefix)


def _s3_objects(files: Any, prefix: str) -> Iterator[dict[str, Any]]:
    """Page by page: s3fs itself would first collect the whole listing."""
    bucket, _slash, key = prefix.partition("/")
    more: dict[str, str] = {"Prefix": f"{key}/"} if key else {}
    while True:
        answer = files.call_s3("list_objects_v2", Bucket=bucket, **more)
        for one in answer.get("Contents", ()):
            yield {"name": f"{bucket}/{one['Key']}", "size": one["Size"], "ETag": one.get("ETag")}
        if not answer.get("IsTruncated"):
            return
        more["ContinuationToken"] = answer["NextContinuationToken"]


def _walked_objects(files: Any, prefix: str) -> Iterator[dict[str, Any]]:
    """Folder by folder; a listing of one folder is held at a time."""
    if not files.isdir(prefix):
        raise FileNotFoundError(prefix)
    for _here, folders, objects in files.walk(prefix, detail=True):
        for name in sorted(folders):
            folders[name] = folders.pop(name)  # walk goes into them in this order
        for name in sorted(objects):
            yield objects[name]


def _version(info: dict[str, Any]) -> str:
    told = next((info[key] for key in VERSIONS if info.get(key) is not None), "")
    return f"{info.get('size')}:{told}"


def _told(item: str, error: Exception) -> InputError | ServiceError:
    """A missing or forbidden object is refused; whatever else fails may work later."""
    if isinstance(error, FileNotFoundError):
        return InputError(item, "is not there", reason="gone")
    if isinstance(error, PermissionError) or type(error).__name__ == "NoCredentialsError":
        return InputError(
            item,
            f"is not given to us ({error})",
            reason="forbidden",
            do="Give credentials in the environment, or set anonymous = true in its source.",
        )
    return ServiceError(
        item,
        f"cannot be read ({type(error).__name__}: {error})",
        reason="bucket_failed",
        do="The same command goes on where it stopped.",
    )
