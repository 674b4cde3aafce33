// What the readers share: what they are given, and fields as lines.
import { readFileSync } from "node:fs";

// The JSON on standard input.
export const given = () => JSON.parse(readFileSync(0, "utf8"));

// Each field as `name: value`, from names and values in turn.
export function lines(raw) {
  const found = [];
  for (let at = 0; at < raw.length; at += 2) found.push(`${raw[at].toLowerCase()}: ${raw[at + 1]}`);
  return found;
}
