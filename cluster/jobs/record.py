"""What is remembered of a job, in its run folder: job/job.json."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from pydantic import BaseModel, ConfigDict, ValidationError

from ...search.errors import RunFolderError
from ...search.runfolder import RunFolder, write_whole
from ...search.sites import SiteName, Submit

FORMAT = 1


class Sent(BaseModel):
    """One submission: the job's id at its site, and when."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    id: str
    at: str


class Record(BaseModel):
    """A job's record. `digest`: of the sweep file. `words`: options given beside it."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    format: int = FORMAT
    site: SiteName
    file: str
    digest: str
    words: tuple[str, ...] = ()
    asked: Submit
    sent: tuple[Sent, ...]

    @property
    def id(self) -> str:
        """Of the latest submission."""
        return self.sent[-1].id


def path(run: Path) -> Path:
    """Where the record of a run lies, if it is a job's."""
    return RunFolder(run).job / "job.json"


def read(run: Path) -> Record | None:
    """The record, or None where the run is no job. Errors: RunFolderError."""
    try:
        values: Any = json.loads(path(run).read_text(encoding="utf-8"))
        return Record.model_validate(values)
    except FileNotFoundError:
        return None
    except (OSError, ValueError, ValidationError) as error:
        raise RunFolderError(f"{path(run)} cannot be read: {str(error).splitlines()[0]}") from None


def write(run: Path, record: Record) -> None:
    """Put the record in place at once."""
    text = json.dumps(record.model_dump(mode="json"), indent=2) + "\n"
    write_whole(path(run), lambda aside: aside.write_text(text, encoding="utf-8"))
