"""The lock, and the swap of the released site: nothing that dies on the way may cost the last good site."""

import os
import random
import shutil
import signal
import subprocess
import sys
import time

import pytest

from book import release
from book.errors import BookError
from book.pages import House
from tests.book.small_book import REPOSITORY

FILES = 30
# One build after another, as fast as it goes; each site holds FILES files that all say which site they belong to.
BUILDS = f"""
import sys
from pathlib import Path
from book import release
from book.pages import House

house = House(Path(sys.argv[1]))
while True:
    with release.build_lock(house):
        release.sweep(house)
        build_id = release.new_id()
        site = release.work_folder(house, build_id) / "site"
        site.mkdir()
        for number in range({FILES}):
            (site / f"{{number}}.html").write_text(build_id)
        release.release(house, site, build_id=build_id)
    print(build_id, flush=True)
"""


@pytest.fixture
def house(tmp_path):
    return House(tmp_path)


def make(house, text, name="html"):
    """Release a site whose page says `text`."""
    build_id = release.new_id()
    site = release.work_folder(house, build_id) / "site"
    site.mkdir()
    (site / "index.html").write_text(text)
    return release.release(house, site, build_id=build_id, name=name)


def shown(house, name="html"):
    return (house.build / name / "index.html").read_text()


def child(code, *arguments, **options):
    return subprocess.Popen(
        [sys.executable, "-c", code, *map(str, arguments)],
        env={**os.environ, "PYTHONPATH": str(REPOSITORY)},
        text=True,
        **options,
    )


# --- the swap ---------------------------------------------------------------------------------------------------------


def test_the_released_site_is_a_relative_link_that_survives_moving_the_house(house, tmp_path):
    make(house, "one")
    assert not (house.build / "html").readlink().is_absolute()
    moved = House(house.build.rename(tmp_path / "moved").parent)
    assert (moved.root / "moved" / "html" / "index.html").read_text() == "one"


def test_the_site_before_is_kept_until_the_next_release(house):
    places = [make(house, text) for text in ("one", "two", "three")]
    assert shown(house) == "three"
    assert [place.exists() for place in places] == [False, True, True]


def test_preview_and_site_do_not_replace_each_other(house):
    make(house, "site")
    for text in ("first", "second", "third"):
        make(house, text, name="preview")
    assert (shown(house), shown(house, "preview")) == ("site", "third")


def test_a_site_in_a_real_folder_from_an_older_layout_is_replaced_and_kept_once(house):
    (house.build / "html").mkdir(parents=True)
    (house.build / "html" / "index.html").write_text("old")
    make(house, "new")
    assert shown(house) == "new"
    assert [path.read_text() for path in house.build.glob("sites/*older*/index.html")] == ["old"]
    make(house, "newer")
    assert not list(house.build.glob("sites/*older*"))


def test_a_death_between_moving_the_older_layout_and_linking_is_mended_by_the_next_build(house):
    sites = house.build / "sites"
    sites.mkdir(parents=True)
    (sites / "html-0-older-layout").mkdir()
    (sites / "html-0-older-layout" / "index.html").write_text("old")
    release.sweep(house)
    assert shown(house) == "old"


def test_sweeping_removes_what_dead_builds_left_and_nothing_else(house):
    make(house, "one")
    make(house, "two")
    (house.build / ".link-html-123").symlink_to("sites/nowhere")
    release.work_folder(house, "dead")
    kept = release.work_folder(house, release.INCREMENTAL)
    orphan = house.build / "sites" / f"html-{release.new_id()}"
    orphan.mkdir()
    release.sweep(house)
    assert shown(house) == "two"
    assert len(list((house.build / "sites").iterdir())) == 2
    assert list((house.build / "work").iterdir()) == [kept]
    assert not orphan.exists()
    assert not list(house.build.glob(".link-*"))


def test_a_link_to_nothing_is_pointed_at_the_newest_complete_site(house):
    make(house, "one")
    last = make(house, "two")
    shutil.rmtree(last)
    release.sweep(house)
    assert shown(house) == "one"


def killed(house, times):
    """Kill builds at random moments; the number of different sites that were seen whole in between."""
    chance = random.Random(20)
    seen = set()
    for _ in range(times):
        process = child(BUILDS, house.root, stdout=subprocess.PIPE)
        process.stdout.readline()
        time.sleep(chance.uniform(0, 0.02))
        process.send_signal(signal.SIGKILL)
        process.communicate()
        texts = [path.read_text() for path in (house.build / "html").iterdir()]
        assert len(texts) == FILES
        assert len(set(texts)) == 1
        seen.add(texts[0])
    return seen


def test_builds_killed_at_random_moments_leave_a_complete_site_and_the_next_one_works(house):
    assert len(killed(house, 8)) == 8
    make(house, "after")
    release.sweep(house)
    assert shown(house) == "after"
    assert [path.name for path in (house.build / "work").iterdir()] == []


@pytest.mark.campaign
def test_campaign_of_builds_killed_at_random_moments(house):
    assert len(killed(house, 300)) == 300


# --- the lock ---------------------------------------------------------------------------------------------------------

HOLDER = """
import sys, time
from pathlib import Path
from book.pages import House
from book.release import build_lock

with build_lock(House(Path(sys.argv[1]))):
    print("held", flush=True)
    sys.stdin.readline()
"""


@pytest.fixture
def holder(house):
    process = child(HOLDER, house.root, stdin=subprocess.PIPE, stdout=subprocess.PIPE)
    assert process.stdout.readline() == "held\n"
    yield process
    process.kill()
    process.communicate()


def test_a_second_build_waits_and_says_who_is_building(house, holder):
    said = []

    def say(line):
        said.append(line)
        holder.stdin.write("done\n")  # only now does the first build end
        holder.stdin.flush()

    with release.build_lock(house, say=say):
        assert said == [f"waiting: process {holder.pid} is building in {house.build}"]
        assert holder.wait(10) == 0


def test_clean_refuses_while_another_builds_and_names_it(house, holder):
    make(house, "one")
    with pytest.raises(BookError, match=rf"_build/lock: process {holder.pid} is building"):
        release.clean(house)
    assert shown(house) == "one"


def test_a_killed_build_does_not_hold_the_lock(house, holder):
    holder.kill()
    holder.wait()
    with release.build_lock(house, wait=False):
        pass


def test_a_forked_child_that_outlives_the_build_does_not_hold_the_lock(house):
    ready, tell = os.pipe()
    with release.build_lock(house):
        pid = os.fork()
        if pid == 0:
            os.write(tell, b"up")
            time.sleep(30)
            os._exit(0)
        os.read(ready, 2)
    try:
        with release.build_lock(house, wait=False):
            pass
    finally:
        os.kill(pid, signal.SIGKILL)
        os.waitpid(pid, 0)


def test_clean_removes_everything_and_a_build_can_follow(house):
    make(house, "one")
    release.clean(house)
    assert not house.build.exists()
    release.clean(house)  # twice is no error
    with release.build_lock(house, wait=False):
        make(house, "two")
    assert shown(house) == "two"
