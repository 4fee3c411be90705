// Prints what Khronos' glTF-Validator finds in a GLB file, as JSON: {errors, warnings, messages}.
import { readFileSync } from "node:fs";
import { validateBytes } from "gltf-validator";

const report = await validateBytes(new Uint8Array(readFileSync(process.argv[2])));
const { numErrors, numWarnings, numInfos, numHints, messages } = report.issues;
console.log(
  JSON.stringify({ errors: numErrors, warnings: numWarnings, infos: numInfos, hints: numHints, messages }),
);
