// `node read.mjs TOOL FILE RUNS`: the same figures for readers in JavaScript.
import { readFileSync } from "node:fs";
import { parse } from "yaml";

const [tool, file, runs] = process.argv.slice(2);
const text = readFileSync(file, "utf8");
const readers = {
  "JSON.parse": () => JSON.parse(text),
  "yaml": () => parse(text, { maxAliasCount: -1 }),
  "@scalar/openapi-parser": async () => {
    const { dereference } = await import("@scalar/openapi-parser");
    return (await dereference(JSON.parse(text))).schema;
  },
  "@apidevtools/swagger-parser": async () => {
    const { default: parser } = await import("@apidevtools/swagger-parser");
    return parser.dereference(JSON.parse(text));
  },
};
let best = Infinity;
try {
  await readers[tool]();
  for (let run = 0; run < Number(runs); run++) {
    const start = process.cpuUsage();
    await readers[tool]();
    const { user, system } = process.cpuUsage(start);
    best = Math.min(best, (user + system) / 1e3);
  }
  console.log(best.toFixed(2), (process.resourceUsage().maxRSS * 1.024e-3 - text.length / 1e6).toFixed(1));
} catch (error) {
  console.log("- -", String(error.message).slice(0, 80));
}
