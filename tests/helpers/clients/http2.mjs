// Node's HTTP/2 client: requests side by side on one connection; prints what came as JSON.
import { createHash } from "node:crypto";
import { readFileSync } from "node:fs";
import { connect } from "node:http2";

const [port, name, cacert, count, bytes] = process.argv.slice(2);
const session = connect(`https://${name}:${port}`, {
  ca: readFileSync(cacert),
  lookup: (_name, options, done) =>
    options.all ? done(null, [{ address: "127.0.0.1", family: 4 }]) : done(null, "127.0.0.1", 4),
});
session.on("error", (error) => {
  console.error(error);
  process.exit(1);
});

function ask(number) {
  return new Promise((resolve, reject) => {
    const body = Buffer.alloc(Number(bytes), number);
    const stream = session.request({
      ":method": "POST",
      ":path": `/${number}`,
      ":authority": name,
      cookie: ["a=1", `b=${number}`],
      te: "trailers",
    });
    const digest = createHash("sha256");
    let head;
    stream.on("response", (headers) => (head = headers));
    stream.on("data", (piece) => digest.update(piece));
    stream.on("end", () => resolve({ status: head[":status"], digest: digest.digest("hex") }));
    stream.on("error", reject);
    stream.end(body);
  });
}

const answers = await Promise.all(Array.from({ length: Number(count) }, (_, number) => ask(number)));
const ended = new Promise((resolve) => session.on("goaway", (code) => resolve(code)));
console.log(JSON.stringify(answers));
// The test closes our input when it has made the edge drain; we must then be told goodbye.
process.stdin.resume();
await new Promise((resolve) => process.stdin.on("end", resolve));
console.log(JSON.stringify({ goaway: await ended }));
session.close();
