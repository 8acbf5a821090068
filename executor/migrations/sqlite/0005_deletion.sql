-- Deleting images: the record is marked, then the objects go, then the record is a tombstone. Units, attempts and the
-- ledger stay.

-- When somebody asked for the deletion: from then on nobody finds the image.
ALTER TABLE images ADD COLUMN deleting_us INTEGER;
-- When its objects were gone: the tombstone.
ALTER TABLE images ADD COLUMN deleted_us INTEGER;
-- When the last image that stood on the object was marked: from then on no other may stand on it.
ALTER TABLE blobs ADD COLUMN gone_us INTEGER;

CREATE INDEX images_by_object ON images (storage_path);
CREATE INDEX images_by_thumbnail ON image_thumbnails (storage_key);
