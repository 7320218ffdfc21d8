// The store's schema as named migrations, applied in order, each in one transaction. The schema only grows: a migration
// that has shipped is never edited. Scores are integer hundredths, times are unix seconds, JSON columns hold objects.
//
// Generations: an import writes posts under a new generation that nobody sees; one short transaction then switches
// sources.live_generation. What reads posts reads the view `live_posts`. Work of people and models (captions, decisions,
// predictions, …) is keyed by (source_id, pid) and so survives a new generation.

export interface Migration {
  readonly name: string;
  readonly sql: string;
}

export const MIGRATIONS: readonly Migration[] = [
  {
    name: '0001-pipeline',
    sql: `
CREATE TABLE sources (
  id INTEGER PRIMARY KEY,
  name TEXT NOT NULL UNIQUE,
  kind TEXT NOT NULL,                -- 'smpd-2022', 'table'
  root TEXT NOT NULL,                -- absolute folder
  template TEXT NOT NULL,            -- which fields the instruction has: 'smpd', …
  mapping TEXT,                      -- JSON, tables only
  live_generation INTEGER REFERENCES generations(id),
  created_at REAL NOT NULL
);
CREATE TABLE generations (
  id INTEGER PRIMARY KEY,
  source_id INTEGER NOT NULL REFERENCES sources(id) ON DELETE CASCADE,
  state TEXT NOT NULL CHECK (state IN ('building','live','old')),
  fingerprint TEXT NOT NULL,         -- of files and mapping: unchanged means nothing to do
  numeric_pids INTEGER NOT NULL DEFAULT 0,
  has_pictures INTEGER NOT NULL DEFAULT 0,
  statistics TEXT,                   -- JSON, as in the paper's table 4, written when finished
  started_at REAL NOT NULL,
  finished_at REAL
);
CREATE TABLE files (
  generation_id INTEGER NOT NULL REFERENCES generations(id) ON DELETE CASCADE,
  path TEXT NOT NULL,                -- relative to the source's root
  role TEXT NOT NULL,                -- 'category', 'text', 'label', 'table', …
  size INTEGER NOT NULL,
  modified_at REAL NOT NULL,
  sha256 TEXT NOT NULL,
  PRIMARY KEY (generation_id, path)
) WITHOUT ROWID;
CREATE TABLE posts (
  id INTEGER PRIMARY KEY,
  generation_id INTEGER NOT NULL REFERENCES generations(id) ON DELETE CASCADE,
  pid TEXT NOT NULL,
  uid TEXT NOT NULL,
  posted_at INTEGER NOT NULL,
  user_order INTEGER,                -- 0, 1, … within the user's posts by (time, pid), set when the import ends
  title TEXT NOT NULL, category TEXT NOT NULL, subcategory TEXT NOT NULL, concept TEXT NOT NULL, tags TEXT NOT NULL,
  image_path TEXT NOT NULL,
  latitude REAL, longitude REAL,
  extra TEXT NOT NULL DEFAULT '{}',  -- JSON object of strings
  label INTEGER,                     -- hundredths
  file TEXT NOT NULL,                -- relative to the source's root
  row INTEGER NOT NULL,              -- counted from 1: line of a table or label file, record of a JSON file
  dropped TEXT,                      -- reason why the post is not used (picture missing, empty, broken, …), else null
  content_hash TEXT NOT NULL         -- of what a prompt may hold, so that decisions can tell a changed post
);
CREATE UNIQUE INDEX posts_by_pid ON posts(generation_id, pid);
CREATE INDEX posts_by_user ON posts(generation_id, uid, user_order);
CREATE INDEX posts_by_place ON posts(generation_id, row);
CREATE VIRTUAL TABLE posts_search USING fts5(title, tags, caption, content='', contentless_delete=1, tokenize='unicode61 remove_diacritics 2');  -- rowid = posts.id
-- Posts go by generations, hundreds of thousands at once: merging the index because of what was deleted would hold up
-- single commits for half a second. Later inserts merge it anyway.
INSERT INTO posts_search (posts_search, rank) VALUES ('deletemerge', 0);
CREATE TABLE skipped_rows (
  generation_id INTEGER NOT NULL REFERENCES generations(id) ON DELETE CASCADE,
  file TEXT NOT NULL, row INTEGER NOT NULL, reason TEXT NOT NULL, detail TEXT NOT NULL
);
CREATE INDEX skipped_rows_by_generation ON skipped_rows(generation_id);

-- Decisions are append-only events; the current state is a view over them; undo is one more event.
CREATE TABLE decisions (
  id TEXT PRIMARY KEY,               -- UUID
  source_id INTEGER NOT NULL REFERENCES sources(id) ON DELETE CASCADE,
  pid TEXT NOT NULL,
  kind TEXT NOT NULL,                -- 'post-excluded', 'post-restored', 'caption-approved', …
  payload TEXT NOT NULL DEFAULT '{}',
  content_hash TEXT NOT NULL DEFAULT '',
  author TEXT NOT NULL,
  decided_at REAL NOT NULL,
  seconds REAL
);
CREATE INDEX decisions_by_post ON decisions(source_id, pid, decided_at);
CREATE VIEW excluded_posts AS        -- whose newest decision of the two kinds leaves it out; a question about one post is answered by the index
  SELECT d.source_id, d.pid, d.payload, d.author, d.decided_at FROM decisions d
  WHERE d.kind = 'post-excluded' AND NOT EXISTS (
    SELECT 1 FROM decisions n WHERE n.source_id = d.source_id AND n.pid = d.pid AND n.kind IN ('post-excluded','post-restored')
      AND (n.decided_at, n.rowid) > (d.decided_at, d.rowid));

CREATE TABLE captions (              -- every caption ever had; the newest by id of a post is the current one
  id INTEGER PRIMARY KEY,
  source_id INTEGER NOT NULL REFERENCES sources(id) ON DELETE CASCADE,
  pid TEXT NOT NULL,
  text TEXT NOT NULL,
  made_by TEXT NOT NULL,             -- who or what: 'person:anna', 'gpt-4o', 'generator'
  made_at REAL NOT NULL,
  origin TEXT NOT NULL               -- JSON: file and line of an import, prompt, model
);
CREATE INDEX captions_by_post ON captions(source_id, pid, id);
CREATE VIEW current_captions AS
  SELECT c.*, EXISTS (SELECT 1 FROM decisions d WHERE d.source_id = c.source_id AND d.pid = c.pid AND d.kind = 'caption-approved'
                      AND json_extract(d.payload, '$.caption_id') = c.id) AS approved
  FROM captions c WHERE c.id = (SELECT max(id) FROM captions n WHERE n.source_id = c.source_id AND n.pid = c.pid);

CREATE VIEW live_posts AS
  SELECT s.id AS source_id, s.name AS source, p.* FROM sources s JOIN posts p ON p.generation_id = s.live_generation;
CREATE VIEW usable_posts AS          -- what samples are drawn from
  SELECT l.* FROM live_posts l
  WHERE l.dropped IS NULL AND NOT EXISTS (SELECT 1 FROM excluded_posts e WHERE e.source_id = l.source_id AND e.pid = l.pid);

CREATE TABLE draws (                 -- one seeded draw of users into sets
  id INTEGER PRIMARY KEY,
  source_id INTEGER NOT NULL REFERENCES sources(id) ON DELETE CASCADE,
  seed INTEGER NOT NULL,
  generator TEXT NOT NULL,
  input_hash TEXT NOT NULL,          -- of the eligible users and their posts: another hash means stale
  sizes TEXT NOT NULL,               -- JSON: users per set
  range_min INTEGER NOT NULL, range_max INTEGER NOT NULL,  -- answers allowed, hundredths
  details TEXT NOT NULL,             -- JSON: ties in time, albums' share, drops by reason
  drawn_at REAL NOT NULL,
  UNIQUE (source_id, seed)
);
CREATE TABLE draw_users (
  draw_id INTEGER NOT NULL REFERENCES draws(id) ON DELETE CASCADE,
  set_name TEXT NOT NULL CHECK (set_name IN ('validation','few-shot','alignment','extra-1','extra-2','pool')),
  position INTEGER NOT NULL,
  uid TEXT NOT NULL,
  PRIMARY KEY (draw_id, uid)
) WITHOUT ROWID;
CREATE INDEX draw_users_by_set ON draw_users(draw_id, set_name, position);

CREATE TABLE instructions (          -- all sets but the pool, whose windows are rendered when a training set is frozen
  id INTEGER PRIMARY KEY,
  draw_id INTEGER NOT NULL REFERENCES draws(id) ON DELETE CASCADE,
  set_name TEXT NOT NULL,
  form TEXT NOT NULL CHECK (form IN ('train','test')),
  k INTEGER NOT NULL,
  pid TEXT NOT NULL,                 -- the question
  uid TEXT NOT NULL,
  history TEXT NOT NULL,             -- JSON array of pids, oldest first
  pieces TEXT NOT NULL,              -- JSON, see protocol/run.ts
  answer INTEGER,                    -- hundredths
  prompt_hash TEXT NOT NULL,
  caption_policy TEXT NOT NULL,
  album INTEGER NOT NULL DEFAULT 0,  -- the question lies within an hour of a history post or shares its title
  UNIQUE (draw_id, set_name, form, k, pid)
);

CREATE TABLE runs (
  id TEXT PRIMARY KEY,               -- also the job folder's name
  stage TEXT NOT NULL,
  host TEXT NOT NULL,
  input_hash TEXT NOT NULL,          -- of run.json and the data files: the same work is not done twice
  state TEXT NOT NULL,               -- protocol/job.ts
  request TEXT NOT NULL,             -- JSON
  summary TEXT,                      -- JSON, when ended
  started_at REAL NOT NULL,
  ended_at REAL
);
CREATE INDEX runs_by_input ON runs(input_hash);
CREATE TABLE models (
  id INTEGER PRIMARY KEY,
  draw_id INTEGER REFERENCES draws(id) ON DELETE CASCADE,
  role TEXT NOT NULL CHECK (role IN ('base','sft','aligned')),
  plan TEXT NOT NULL,                -- 'ours', 'paper'
  k INTEGER,                         -- paper plan: one model a k; null: one for all
  variant TEXT NOT NULL DEFAULT '',  -- loss or control name of an aligned model
  training_seed INTEGER NOT NULL,
  base TEXT NOT NULL,                -- 'tiny', a folder or an id
  path TEXT NOT NULL,                -- folder with the weights, relative to the store's folder or absolute
  adapter_of TEXT,                   -- base folder when path is an adapter
  weights_hash TEXT NOT NULL,
  chosen TEXT NOT NULL,              -- which state was kept: 'base', 'pool 400', 'sft 40', …
  training_labels TEXT NOT NULL,     -- JSON: {sets, pool users, label count} it has seen
  run_id TEXT REFERENCES runs(id),
  range_min INTEGER NOT NULL, range_max INTEGER NOT NULL,
  made_at REAL NOT NULL
);
CREATE UNIQUE INDEX models_by_role ON models(draw_id, role, plan, ifnull(k,0), variant, training_seed, base);

CREATE TABLE predictions (
  model_id INTEGER NOT NULL REFERENCES models(id) ON DELETE CASCADE,
  source_id INTEGER NOT NULL REFERENCES sources(id) ON DELETE CASCADE,
  pid TEXT NOT NULL,
  k INTEGER NOT NULL,                -- history posts less one (test form of k-shot has k + 1), so 0 … 3
  decoder TEXT NOT NULL CHECK (decoder IN ('median','greedy','sample')),
  draw INTEGER NOT NULL DEFAULT 0,
  text TEXT NOT NULL,
  value INTEGER,                     -- hundredths; null: no number or out of range
  quantiles TEXT,                    -- JSON {"2.5": hundredths, …}
  mass REAL,
  sampled_from TEXT,
  prompt_hash TEXT NOT NULL,         -- of the prompt that was really asked: another hash now means stale
  history TEXT NOT NULL,             -- JSON array of pids
  run_id TEXT REFERENCES runs(id),
  predicted_at REAL NOT NULL,
  PRIMARY KEY (source_id, pid, model_id, k, decoder, draw)
) WITHOUT ROWID;
CREATE INDEX predictions_by_model ON predictions(model_id, k, decoder);

CREATE TABLE pairs (
  id INTEGER PRIMARY KEY,
  draw_id INTEGER NOT NULL REFERENCES draws(id) ON DELETE CASCADE,
  model_id INTEGER NOT NULL REFERENCES models(id) ON DELETE CASCADE,  -- that answered
  k INTEGER NOT NULL,
  pid TEXT NOT NULL,
  state TEXT NOT NULL CHECK (state IN ('ordered','tie','unparsable')),
  chosen TEXT NOT NULL, rejected TEXT NOT NULL,                       -- canonical answers, or raw text where unparsable
  error_chosen INTEGER, error_rejected INTEGER,                       -- M, hundredths
  prompt_hash TEXT NOT NULL,
  sampled_from TEXT NOT NULL,
  made_at REAL NOT NULL,
  UNIQUE (model_id, k, pid)
);

CREATE TABLE evaluations (
  id INTEGER PRIMARY KEY,
  draw_id INTEGER NOT NULL REFERENCES draws(id) ON DELETE CASCADE,
  plan TEXT NOT NULL,
  input_hash TEXT NOT NULL,          -- of the predictions and labels it read
  report TEXT NOT NULL,              -- JSON, see protocol/report.ts
  evaluated_at REAL NOT NULL
);
CREATE TABLE exports (
  id INTEGER PRIMARY KEY,
  draw_id INTEGER NOT NULL REFERENCES draws(id) ON DELETE CASCADE,
  format TEXT NOT NULL, content TEXT NOT NULL,                        -- 'trl' | 'llama-factory', 'sft' | 'preference'
  folder TEXT NOT NULL,
  fingerprint TEXT NOT NULL,
  manifest TEXT NOT NULL,            -- JSON
  exported_at REAL NOT NULL
);
-- What each stage last did, for "does only what changed", the tree and the status line.
CREATE TABLE stage_states (
  source_id INTEGER NOT NULL REFERENCES sources(id) ON DELETE CASCADE,
  stage TEXT NOT NULL,
  scope TEXT NOT NULL DEFAULT '',    -- plan, seed, … where a stage is done several times
  input_hash TEXT NOT NULL,
  summary TEXT NOT NULL,             -- JSON: counts that the tree shows
  error TEXT,                        -- the last failure, null after a success
  finished_at REAL NOT NULL,
  PRIMARY KEY (source_id, stage, scope)
) WITHOUT ROWID;
`,
  },
  {
    name: '0002-image-url',
    sql: `
ALTER TABLE posts ADD COLUMN image_url TEXT NOT NULL DEFAULT '';  -- of the picture or of the page that shows it; no part of content_hash
`,
  },
  {
    name: '0003-imports-at-full-size',
    sql: `
-- A post enters this index once, when its place is known, instead of twice. What asks for posts in order of their users says
-- "user_order IS NOT NULL" or compares it, as the view does.
DROP INDEX posts_by_user;
CREATE INDEX posts_by_user ON posts(generation_id, uid, user_order) WHERE user_order IS NOT NULL;
DROP VIEW usable_posts;
DROP VIEW live_posts;
CREATE VIEW live_posts AS
  SELECT s.id AS source_id, s.name AS source, p.* FROM sources s JOIN posts p ON p.generation_id = s.live_generation WHERE p.user_order IS NOT NULL;
CREATE VIEW usable_posts AS          -- what samples are drawn from
  SELECT l.* FROM live_posts l
  WHERE l.dropped IS NULL AND NOT EXISTS (SELECT 1 FROM excluded_posts e WHERE e.source_id = l.source_id AND e.pid = l.pid);
ALTER TABLE posts DROP COLUMN content_hash;  -- only decisions need it, and a post's texts are all there to make it of
-- Each short transaction of an import adds a segment to the words' index: merged sixteen at a time, and never all at once
-- within one commit, as it would be when there are as many as to count as a crisis.
INSERT INTO posts_search (posts_search, rank) VALUES ('automerge', 16);
INSERT INTO posts_search (posts_search, rank) VALUES ('crisismerge', 64);
`,
  },
  {
    name: '0004-fetched-pictures',
    sql: `
CREATE TABLE fetched_pictures (      -- what became of the addresses of pictures
  source_id INTEGER NOT NULL REFERENCES sources(id) ON DELETE CASCADE,
  pid TEXT NOT NULL,
  url TEXT NOT NULL,                 -- that was asked; a post that names another one has not been asked for
  state TEXT NOT NULL CHECK (state IN ('fetched','dead','later')),
  reason TEXT NOT NULL,              -- why dead or later
  status INTEGER,                    -- of HTTP
  file TEXT NOT NULL,                -- relative to the store folder's pictures/; '' without one
  attempts INTEGER NOT NULL,         -- answers without a picture
  tried_at REAL NOT NULL,
  PRIMARY KEY (source_id, pid)
) WITHOUT ROWID;
CREATE INDEX fetched_pictures_by_state ON fetched_pictures(source_id, state);
`,
  },
];
