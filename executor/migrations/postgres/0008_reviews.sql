-- What people say about images, and what sessions are read by. A session is no row: it is what plans, executions and
-- images have in common.

-- Verdict of a person; empty: nobody gave one, or it was withdrawn. The column rejected is another thing: there the
-- quality gate of a plan turned the picture away.
ALTER TABLE images ADD COLUMN verdict TEXT COLLATE "C" NOT NULL DEFAULT '' CHECK (verdict IN ('', 'approved', 'rejected'));
-- Who gave it.
ALTER TABLE images ADD COLUMN reviewer TEXT COLLATE "C" NOT NULL DEFAULT '';
-- What they said about it.
ALTER TABLE images ADD COLUMN review_note TEXT COLLATE "C" NOT NULL DEFAULT '';
-- When they gave it; nothing: there is no verdict.
ALTER TABLE images ADD COLUMN reviewed_us BIGINT;

CREATE INDEX images_by_verdict ON images (client, verdict, created_us, id);
CREATE INDEX images_by_session_verdict ON images (client, session_id, verdict, created_us, id);
-- The newest activity of a session.
CREATE INDEX images_by_session_change ON images (client, session_id, updated_us);
CREATE INDEX executions_by_session_end ON executions (client, session_id, ended_us);
