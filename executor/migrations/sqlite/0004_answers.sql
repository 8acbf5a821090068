-- What an answer says besides its picture, and how its cost is known. Nothing is rewritten: what was recorded before
-- has none of it.

-- The seed that the provider says it used: a decimal number below 2^64, which is more than an integer here holds.
-- Empty: it did not say.
ALTER TABLE attempts ADD COLUMN effective_seed TEXT NOT NULL DEFAULT '';
-- The version of the model that drew, in the words of the provider. Empty: it did not say.
ALTER TABLE attempts ADD COLUMN model_version TEXT NOT NULL DEFAULT '';
-- What the answer says was used: a JSON object of whole numbers by unit, with sorted keys. Empty: it did not say.
ALTER TABLE attempts ADD COLUMN usage TEXT NOT NULL DEFAULT '';
-- How the cost is known; empty: nothing was billed, or it was recorded before this was kept, and then cost_estimated
-- says whether it is an estimate. Both columns are written, for a process of the version before reads the older one.
--   reported:  the provider told it              usage:   what was used, at the prices of the plan
--   estimated: our own price                     decided: said by who resolved the attempt
ALTER TABLE attempts ADD COLUMN cost_source TEXT NOT NULL DEFAULT ''
    CHECK (cost_source IN ('', 'reported', 'usage', 'estimated', 'decided'));

-- The same of the attempt that drew the image, for as long as there is a record of it.
ALTER TABLE images ADD COLUMN effective_seed TEXT NOT NULL DEFAULT '';
ALTER TABLE images ADD COLUMN model_version TEXT NOT NULL DEFAULT '';
-- How the cost of this record is known; empty as above, and where the picture was reused at no cost.
ALTER TABLE images ADD COLUMN cost_source TEXT NOT NULL DEFAULT ''
    CHECK (cost_source IN ('', 'reported', 'usage', 'estimated', 'decided'));
