-- How good a picture is, how it looks, and its optimised copy. Nothing is rewritten: what was recorded before has none of
-- it.

-- The parts of quality_score_bp: a JSON object of basis points by part, with sorted keys. Empty: not scored.
ALTER TABLE images ADD COLUMN quality_parts TEXT COLLATE "C" NOT NULL DEFAULT '';
-- Who scored. Scores of different scorers are not compared.
ALTER TABLE images ADD COLUMN quality_scorer TEXT COLLATE "C" NOT NULL DEFAULT '';
-- What pictures that look the same have in common, 16 hexadecimal digits. Empty: not taken.
ALTER TABLE images ADD COLUMN fingerprint TEXT COLLATE "C" NOT NULL DEFAULT '';
-- The ThumbHash that stands for the picture until it is there, in base64. Empty: there is none.
ALTER TABLE images ADD COLUMN thumbhash TEXT COLLATE "C" NOT NULL DEFAULT '';

-- What a copy is for: a thumbnail is as the plan says, an optimised one has the size of the picture and is as the
-- configuration says.
ALTER TABLE image_thumbnails ADD COLUMN purpose TEXT COLLATE "C" NOT NULL DEFAULT 'thumbnail'
    CHECK (purpose IN ('thumbnail', 'optimised'));

-- The quality gate of a plan: what was drawn again, and what was kept although it was not good enough.

-- Which re-roll of the step the attempt draws; zero: the first picture.
ALTER TABLE attempts ADD COLUMN reroll BIGINT NOT NULL DEFAULT 0 CHECK (reroll >= 0);
-- Quality score of the picture, in basis points. Nothing: there is none, or it was not scored.
ALTER TABLE attempts ADD COLUMN quality_score_bp BIGINT CHECK (quality_score_bp BETWEEN 0 AND 10000);
-- The picture was paid and is below the threshold of its plan, and its step did not take it.
ALTER TABLE images ADD COLUMN rejected BOOLEAN NOT NULL DEFAULT FALSE;
-- The step completed with the best picture that there was, below the threshold of its plan.
ALTER TABLE steps ADD COLUMN below_threshold BOOLEAN NOT NULL DEFAULT FALSE;
