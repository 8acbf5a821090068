// The jobs of `cargo bench -p limn-executor --bench imaging`, done by sharp on the same files, in processor time.
//
// sharp scores no quality and makes no ThumbHash by itself: its full job makes the small picture that a ThumbHash starts
// from, and takes the statistics that it has (entropy and sharpness).

import { readFileSync, readdirSync } from "node:fs";
import { join } from "node:path";
import { createHash } from "node:crypto";
import sharp from "sharp";

const folder = process.argv[2] ?? join(import.meta.dirname, "../../../target/tmp/imaging");
const rounds = 15;
sharp.concurrency(1);
sharp.cache(false);

const options = { limitInputPixels: 40_000_000 };

async function small(bytes) {
  await sharp(bytes, options).resize(300, 300, { fit: "cover" }).jpeg({ quality: 70 }).toBuffer();
}

async function full(bytes) {
  createHash("sha256").update(bytes).digest("hex");
  const image = sharp(bytes, options);
  // Decoded once; every part starts from the same pixels.
  const { data, info } = await image.raw().toBuffer({ resolveWithObject: true });
  const raw = { raw: { width: info.width, height: info.height, channels: info.channels } };
  await sharp(data, raw).resize(300, 300, { fit: "cover" }).jpeg({ quality: 70 }).toBuffer();
  await sharp(data, raw).webp({ quality: 85 }).toBuffer();
  await sharp(data, raw).resize(100, 100, { fit: "inside" }).ensureAlpha().raw().toBuffer();
  await sharp(data, raw).resize(9, 8, { fit: "fill" }).grayscale().raw().toBuffer();
  await sharp(data, raw).stats();
}

async function fastest(work) {
  let best = Infinity;
  for (let round = 0; round < rounds; round++) {
    const before = process.cpuUsage();
    await work();
    const { user, system } = process.cpuUsage(before);
    best = Math.min(best, (user + system) / 1000);
  }
  return best.toFixed(1);
}

console.log("| picture | decode + thumbnail ms | full job ms |");
console.log("|---|---|---|");
for (const name of readdirSync(folder).sort()) {
  const bytes = readFileSync(join(folder, name));
  console.log(`| ${name} | ${await fastest(() => small(bytes))} | ${await fastest(() => full(bytes))} |`);
}
