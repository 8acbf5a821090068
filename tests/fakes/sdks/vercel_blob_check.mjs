// The client of Vercel Blob takes the fake for Vercel Blob: node vercel_blob_check.mjs TOKEN
// VERCEL_BLOB_API_URL names the fake.

import assert from "node:assert/strict";
import { createRequire } from "node:module";

// The client is where tests/run installed it.
const { put, head, list, del, BlobNotFoundError } = createRequire(process.env.LIMN_TEST_SDKS_NODE + "/")("@vercel/blob");
const token = process.argv[2];
const options = { access: "private", token, addRandomSuffix: false, allowOverwrite: false, contentType: "image/png" };

const first = await put("clients/a/images/one.png", Buffer.from("pixels"), options);
assert.equal(first.pathname, "clients/a/images/one.png");
assert.equal(first.contentType, "image/png");
await assert.rejects(put("clients/a/images/one.png", Buffer.from("other"), options), /already exists/);
await put("clients/a/images/two.png", Buffer.from("more"), { ...options, cacheControlMaxAge: 31536000 });

const told = await head("clients/a/images/one.png", { token });
assert.equal(told.size, 6);
assert.ok(Math.abs(Date.now() - told.uploadedAt.getTime()) < 60_000);
assert.equal((await head(first.url, { token })).pathname, first.pathname);

const page = await list({ token, prefix: "clients/a/", limit: 1 });
assert.deepEqual([page.blobs.length, page.hasMore], [1, true]);
const rest = await list({ token, prefix: "clients/a/", limit: 1, cursor: page.cursor });
assert.deepEqual([rest.blobs[0].pathname, rest.hasMore], ["clients/a/images/two.png", false]);

await del(first.url, { token });
await del("clients/a/images/one.png", { token });
await assert.rejects(head("clients/a/images/one.png", { token }), BlobNotFoundError);
await assert.rejects(list({ token: "vercel_blob_rw_FakeStore_wrong" }), /[Aa]ccess denied/);
