"""Backups in an S3-compatible store: docker/backup/offsite.sh with a real PostgreSQL, rclone, age and an S3 server."""

import os
import re
import shutil
import subprocess
import tempfile
import unittest
import urllib.request
from pathlib import Path

from monitoring import PROGRAMS, ROOT, TIMEOUT, eventually, free_port

TARGET = "s3://bucket/app"


class Offsite(unittest.TestCase):
    """Run by tests/deploy/run."""

    @classmethod
    def setUpClass(cls):
        postgres = cls.start(PROGRAMS / "test-postgres", stdin=subprocess.PIPE, stdout=subprocess.PIPE)
        url = postgres.stdout.readline().strip()
        user, password, port, template = re.fullmatch(
            r"postgresql://(\w+):(\w+)@127.0.0.1:(\d+)/\w+\?dbname=(\w+)", url
        ).groups()
        store = f"http://127.0.0.1:{free_port()}"
        cls.start("moto_server", "--host", "127.0.0.1", "--port", store.rpartition(":")[2], stderr=subprocess.DEVNULL)
        cls.keys = Path(cls.enterClassContext(tempfile.TemporaryDirectory()))
        for name in ["key", "other"]:
            subprocess.run(["age-keygen", "-o", cls.keys / name], check=True, capture_output=True)
        public = subprocess.run(["age-keygen", "-y", cls.keys / "key"], check=True, capture_output=True, text=True)
        cls.environment = {
            **os.environ,
            "PGHOST": "127.0.0.1",
            "PGPORT": port,
            "PGUSER": user,
            "PGPASSWORD": password,
            "PGDATABASE": template,
            "BACKUP_KEEP": "2",
            "BACKUP_TARGET": TARGET,
            "BACKUP_TARGET_KEEP": "3",
            "BACKUP_S3_ENDPOINT": store,
            "BACKUP_S3_ACCESS_KEY_ID": "id",
            "BACKUP_S3_SECRET_ACCESS_KEY": "secret",
            "BACKUP_AGE_RECIPIENT": public.stdout.strip(),
        }
        bucket = urllib.request.Request(f"{store}/bucket", method="PUT")
        eventually("bucket", lambda: urllib.request.urlopen(bucket, timeout=TIMEOUT).status == 200)

    @classmethod
    def start(cls, *command, **options):
        """Starts a program that is stopped after the tests of this class."""
        process = subprocess.Popen(command, text=True, **options)

        def end():
            if process.stdin:
                process.communicate(timeout=TIMEOUT)
            else:
                process.terminate()
                process.wait(TIMEOUT)

        cls.addClassCleanup(end)
        return process

    def setUp(self):
        self.folder = Path(self.enterContext(tempfile.TemporaryDirectory()))
        # Each test has its own folder in the bucket.
        self.target = f"{TARGET}-{self.folder.name}"
        self.variables = {**self.environment, "BACKUP_FOLDER": str(self.folder), "BACKUP_TARGET": self.target}

    def run_script(self, *arguments, key=None, **changes):
        """Runs backup.sh. Returns its exit code and output."""
        options = {"env": {**self.variables, **changes}, "text": True, "timeout": TIMEOUT, "capture_output": True}
        options["input"] = (self.keys / key).read_text() if key else ""
        done = subprocess.run(["sh", ROOT / "docker/backup/backup.sh", *arguments], check=False, **options)
        return done.returncode, done.stdout + done.stderr

    def succeeds(self, *arguments, **options):
        """Runs backup.sh, which must succeed. Returns its output."""
        code, output = self.run_script(*arguments, **options)
        self.assertEqual(code, 0, output)
        return output

    def fails(self, why, *arguments, **options):
        """Runs backup.sh, which must fail with an error that contains `why`."""
        code, output = self.run_script(*arguments, **options)
        self.assertNotEqual(code, 0, output)
        self.assertIn(why, output)

    def rclone(self, *arguments):
        """Runs rclone with the store as the remote `store`. Returns its output."""
        variables = {"TYPE": "s3", "PROVIDER": "Other", "ACCESS_KEY_ID": "id", "SECRET_ACCESS_KEY": "secret"}
        variables["ENDPOINT"] = self.variables["BACKUP_S3_ENDPOINT"]
        environment = {f"RCLONE_CONFIG_STORE_{name}": value for name, value in variables.items()}
        environment |= {"PATH": os.environ["PATH"], "RCLONE_CONFIG": ""}
        done = subprocess.run(["rclone", *arguments], env=environment, check=True, capture_output=True)
        return (done.stdout + done.stderr).decode(errors="replace")

    @property
    def remote(self):
        return self.target.replace("s3://", "store:")

    def backups(self):
        """Returns the names of the backups in the folder."""
        return sorted(it.name for it in self.folder.glob("2*"))

    def test_a_backup_is_restored_on_an_empty_server(self):
        self.assertIn("copied", self.succeeds("once"))
        (name,) = self.backups()
        dump = (self.folder / name / "database.dump").read_bytes()
        shutil.rmtree(self.folder / name)
        self.assertEqual(self.succeeds("list"), f"{name}\n")
        self.fails("db fetch --identity FILE", "fetch")
        self.fails("Pass the private key that belongs", "fetch", key="other")
        self.assertEqual(list(self.folder.glob(".transfer-*/")), [])
        self.succeeds("fetch", key="key")
        self.assertEqual((self.folder / f"fetched-{name}" / "database.dump").read_bytes(), dump)
        self.assertIn("with the same rows", self.succeeds("drill", f"fetched-{name}"))
        # The next backup keeps what was fetched.
        self.succeeds("once")
        self.assertTrue((self.folder / f"fetched-{name}").exists())

    def test_an_empty_server_does_not_continue_the_backups_of_another_server(self):
        self.succeeds("once", BACKUP_FOLDER=str(self.folder / "lost"))
        listed = self.succeeds("list")
        self.fails("has backups that were not made in", "once")
        self.assertEqual(self.succeeds("list"), listed)
        # After a restore, the server continues.
        self.succeeds("fetch", key="key")
        self.assertIn("copied", self.succeeds("copy"))

    def test_copies_contain_no_plain_text(self):
        self.fails("the copies would not be encrypted", "once", BACKUP_AGE_RECIPIENT="")
        self.succeeds("copy")
        files = self.rclone("lsf", "--recursive", "--files-only", self.remote).split()
        self.assertEqual([Path(it).name for it in files], ["database.dump.age", "manifest.json.age"])
        self.assertTrue(self.rclone("cat", f"{self.remote}/{files[1]}").startswith("age-encryption.org"))

    def test_the_store_encrypts_if_asked(self):
        self.succeeds("once", BACKUP_AGE_RECIPIENT="", BACKUP_S3_ENCRYPTION="AES256")
        (name,) = self.backups()
        response = self.rclone("cat", "--dump=headers", f"{self.remote}/{name}/manifest.json")
        self.assertIn("Server-Side-Encryption: AES256", response)
        self.succeeds("fetch", name)

    def test_old_and_interrupted_copies_are_removed(self):
        for _ in range(2):
            self.succeeds("once")
        first = self.backups()[0]
        for year in [2021, 2022]:
            self.rclone("copy", f"{self.remote}/{first}", f"{self.remote}/{year}0101T000000Z")
        # An interrupted copy does not have a manifest. Files of other programs are kept.
        for folder in ["20230101T000000Z", "notes"]:
            dump = "database.dump.age"
            self.rclone("copyto", f"{self.remote}/{first}/{dump}", f"{self.remote}/{folder}/{dump}")
        self.assertNotIn("2023", self.succeeds("list"))
        self.succeeds("once")
        folders = self.rclone("lsf", self.remote).split()
        self.assertEqual(len(folders), 4, folders)
        self.assertIn("notes/", folders)
        self.assertFalse([it for it in folders if it.startswith("202") and it < "2024"], folders)

    def test_a_damaged_copy_is_not_fetched(self):
        self.succeeds("once", BACKUP_AGE_RECIPIENT="", BACKUP_S3_ENCRYPTION="AES256")
        (name,) = self.backups()
        damaged = self.folder / "damaged"
        damaged.write_bytes((self.folder / name / "database.dump").read_bytes()[:-1])
        self.rclone("copyto", str(damaged), f"{self.remote}/{name}/database.dump")
        self.fails("its checksum differs", "fetch")
        self.assertEqual(list(self.folder.glob("fetched-*")), [])

    def test_the_service_copies_again_when_the_store_is_reachable(self):
        unreachable = f"http://127.0.0.1:{free_port()}"
        self.fails("cannot copy 2", "once", BACKUP_S3_ENDPOINT=unreachable)
        self.fails("was copied to", "check")
        (name,) = self.backups()
        command = ["sh", ROOT / "docker/backup/backup.sh", "serve"]
        service = subprocess.Popen(command, env=self.variables, process_group=0)
        self.addCleanup(service.wait, TIMEOUT)
        self.addCleanup(service.terminate)
        eventually("copy", lambda: (self.folder / name / "copied").exists())
        self.succeeds("check")
        self.assertEqual(self.backups(), [name])
        # The pause is a process of its own, which ends with the service.
        children = Path(f"/proc/{service.pid}/task/{service.pid}/children")
        comm = lambda: [Path(f"/proc/{child}/comm").read_text() for child in children.read_text().split()]
        eventually("pause", lambda: comm() == ["sleep\n"])
        service.terminate()
        service.wait(TIMEOUT)
        self.assertRaises(ProcessLookupError, os.killpg, service.pid, 0)

    def test_transfers_do_not_lock_backups(self):
        programs = self.folder / "bin"
        programs.mkdir()
        rclone = programs / "rclone"
        # Fails if a backup would have to wait.
        script = f'flock --nonblock "$BACKUP_FOLDER/.lock" true && exec {shutil.which("rclone")} "$@"'
        rclone.write_text(f"#!/bin/sh\n{script}\n")
        rclone.chmod(0o755)
        path = f"{programs}:{os.environ['PATH']}"
        self.assertIn("copied", self.succeeds("once", PATH=path))
        self.succeeds("fetch", key="key", PATH=path)

    def test_wrong_settings_are_explained(self):
        self.succeeds("local")
        self.fails("expected s3://BUCKET/PREFIX", "copy", BACKUP_TARGET="bucket/app")
        self.fails("BACKUP_TARGET is not set", "fetch", BACKUP_TARGET="")
        self.fails("cannot encrypt", "copy", BACKUP_AGE_RECIPIENT="age1wrong")
        self.fails("cannot copy", "copy", BACKUP_TARGET="s3://missing/app")
        self.fails("cannot list s3://missing/app", "list", BACKUP_TARGET="s3://missing/app")
        without = self.folder / "bin"
        without.mkdir()
        for program in ["sh", "cat", "dirname", "ls", "sort", "mkdir", "flock", "rm"]:
            (without / program).symlink_to(shutil.which(program))
        self.fails("Install the packages rclone and age", "copy", PATH=str(without))
