-- What stored pictures look like: one row for each object. Pictures that were recorded before have none at first; it
-- is made up for in the background.
CREATE TABLE fingerprints (
    storage_key TEXT COLLATE "C" NOT NULL PRIMARY KEY REFERENCES blobs (storage_key),
    client      TEXT COLLATE "C" NOT NULL,
    -- Version of the algorithm: bits of different versions cannot be compared.
    version     BIGINT NOT NULL,
    -- 64 bits as a signed number.
    bits        BIGINT NOT NULL,
    -- Of one colour, or nearly so: the bits are noise, and the picture looks like nothing.
    is_flat     BOOLEAN NOT NULL,
    -- The bits in four parts of 16, the highest first; nothing when the picture is flat. Of two pictures that differ in
    -- at most seven bits, one part at least differs in at most one.
    band0       BIGINT CHECK (band0 BETWEEN 0 AND 65535),
    band1       BIGINT CHECK (band1 BETWEEN 0 AND 65535),
    band2       BIGINT CHECK (band2 BETWEEN 0 AND 65535),
    band3       BIGINT CHECK (band3 BETWEEN 0 AND 65535)
);

CREATE INDEX fingerprints_band0 ON fingerprints (client, version, band0);
CREATE INDEX fingerprints_band1 ON fingerprints (client, version, band1);
CREATE INDEX fingerprints_band2 ON fingerprints (client, version, band2);
CREATE INDEX fingerprints_band3 ON fingerprints (client, version, band3);

CREATE INDEX images_by_content ON images (stored_sha256);

-- A fingerprint of another algorithm, kept with the image. The table above takes its place.
ALTER TABLE images DROP COLUMN fingerprint;
