// Removes npm's funding links from the lock, so that it names packages and hashes but no hosts.
import { readFileSync, writeFileSync } from "node:fs";

const lock = JSON.parse(readFileSync("package-lock.json", "utf8"));
for (const about of Object.values(lock.packages)) delete about.funding;
writeFileSync("package-lock.json", `${JSON.stringify(lock, null, 2)}\n`);
