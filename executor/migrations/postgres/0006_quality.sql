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
