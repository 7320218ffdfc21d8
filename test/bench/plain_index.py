"""What a researcher would write in ten minutes to put SMPD 2022 into SQLite: json.load, executemany, the store's indexes
and full-text search. The benchmark of the import is measured against it.

Usage: plain_index.py <folder of the data set> <file to make>. Prints one JSON object.
"""

import json
import resource
import sqlite3
import sys
import time
from pathlib import Path

folder, target = Path(sys.argv[1]), sys.argv[2]
times: dict[str, float] = {}
last = time.perf_counter()


def note(step: str) -> None:
    global last
    now = time.perf_counter()
    times[step] = round(now - last, 3)
    last = now


def load(name: str) -> list[dict[str, str]]:
    with open(folder / "train_allmetadata_json" / f"train_{name}.json", encoding="utf-8") as file:
        return json.load(file)


texts, categories = load("text"), load("category")
times_and_places, additional = load("temporalspatial_information"), load("additional_information")
users = load("user_data")
labels = (folder / "train_label.txt").read_text(encoding="utf-8").splitlines()
paths = (folder / "train_img_filepath.txt").read_text(encoding="utf-8").splitlines()
note("read")

rows = []
for row, (text, category, place, more, label, path) in enumerate(
    zip(texts, categories, times_and_places, additional, labels, paths, strict=True), 1
):
    if not (text["Pid"] == category["Pid"] == place["Pid"] == more["Pid"]):
        raise SystemExit(f"row {row}: the files are not aligned")
    latitude, longitude = float(place["Latitude"] or 0), float(place["Longitude"] or 0)
    rows.append((
        row, text["Pid"], text["Uid"], int(place["Postdate"]), text["Title"], category["Category"], category["Subcategory"],
        category["Concept"], text["Alltags"], path, latitude, longitude, round(float(label) * 100), row,
    ))
rows.sort(key=lambda post: (post[2], post[3], int(post[1])))
order, before = 0, None
ordered = []
for post in rows:
    order = order + 1 if post[2] == before else 0
    before = post[2]
    ordered.append((*post, order))
ordered.sort()
note("join")

store = sqlite3.connect(target)
store.executescript("""
PRAGMA journal_mode = WAL;
PRAGMA synchronous = NORMAL;
CREATE TABLE posts (
  id INTEGER PRIMARY KEY, pid TEXT NOT NULL, uid TEXT NOT NULL, posted_at INTEGER NOT NULL, title TEXT NOT NULL,
  category TEXT NOT NULL, subcategory TEXT NOT NULL, concept TEXT NOT NULL, tags TEXT NOT NULL, image_path TEXT NOT NULL,
  latitude REAL, longitude REAL, label INTEGER, row INTEGER NOT NULL, user_order INTEGER NOT NULL);
CREATE VIRTUAL TABLE posts_search USING fts5(title, tags, content='', tokenize='unicode61 remove_diacritics 2');
""")
store.executemany(f"INSERT INTO posts VALUES ({','.join('?' * 15)})", ordered)
note("rows")
store.execute("CREATE UNIQUE INDEX posts_by_pid ON posts(pid)")
store.execute("CREATE INDEX posts_by_user ON posts(uid, user_order)")
store.execute("CREATE INDEX posts_by_place ON posts(row)")
note("indexes")
store.executemany("INSERT INTO posts_search (rowid, title, tags) VALUES (?, ?, ?)", ((post[0], post[4], post[8]) for post in ordered))
note("words")
store.commit()
store.close()
note("commit")
usage = resource.getrusage(resource.RUSAGE_SELF)
print(json.dumps({
    "posts": len(ordered), "wallSeconds": sum(times.values()), "cpuSeconds": usage.ru_utime + usage.ru_stime, "peakMegabytes": usage.ru_maxrss / 1024, "steps": times,
}))
