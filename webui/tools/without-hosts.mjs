// The lock names packages and hashes, no hosts: npm adds where one may give money, which is no part of what is built.
import { readFileSync, writeFileSync } from "node:fs";

const lock = JSON.parse(readFileSync("package-lock.json", "utf8"));
for (const about of Object.values(lock.packages)) delete about.funding;
writeFileSync("package-lock.json", `${JSON.stringify(lock, null, 2)}\n`);
