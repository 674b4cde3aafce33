// Node's HTTP/2 client: asks for streams of responses, and prints what it is told.
import { readFileSync } from "node:fs";
import { connect } from "node:http2";
import { given, lines } from "./text.mjs";

const [port, name, cacert] = process.argv.slice(2);
const session = connect(`https://${name}:${port}`, {
  ca: readFileSync(cacert),
  lookup: (_name, options, done) =>
    options.all ? done(null, [{ address: "127.0.0.1", family: 4 }]) : done(null, "127.0.0.1", 4),
});
session.on("error", (error) => {
  console.error(error);
  process.exit(1);
});

// The interim responses and the final one.
function ask(method, path) {
  return new Promise((resolve, reject) => {
    const stream = session.request({ ":method": method, ":path": path, ":authority": name }, { endStream: true });
    const found = [], pieces = [];
    const note = (headers, _flags, raw) => {
      const fields = lines(raw).filter((line) => !line.startsWith(":"));
      found.push({ status: headers[":status"], reason: "", fields, body: "" });
    };
    stream.on("headers", note);
    stream.on("response", note);
    stream.on("data", (piece) => pieces.push(piece));
    stream.on("error", reject);
    stream.on("end", () => {
      found.at(-1).body = Buffer.concat(pieces).toString("latin1");
      resolve(found);
    });
  });
}

const all = [];
for (const { methods, paths } of given()) {
  const found = [];
  for (const [at, path] of paths.entries()) found.push(...(await ask(methods[at], path)));
  all.push(found);
}
console.log(JSON.stringify(all));
session.close();
