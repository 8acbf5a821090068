-- The quality gate of a plan: what was drawn again, and what was kept although it was not good enough.

-- Which re-roll of the step the attempt draws; zero: the first picture.
ALTER TABLE attempts ADD COLUMN reroll INTEGER NOT NULL DEFAULT 0 CHECK (reroll >= 0);
-- Quality score of the picture, in basis points. Nothing: there is none, or it was not scored.
ALTER TABLE attempts ADD COLUMN quality_score_bp INTEGER CHECK (quality_score_bp BETWEEN 0 AND 10000);
-- The picture was paid and is below the threshold of its plan, and its step did not take it.
ALTER TABLE images ADD COLUMN rejected INTEGER NOT NULL DEFAULT 0 CHECK (rejected IN (0, 1));
-- The step completed with the best picture that there was, below the threshold of its plan.
ALTER TABLE steps ADD COLUMN below_threshold INTEGER NOT NULL DEFAULT 0 CHECK (below_threshold IN (0, 1));
