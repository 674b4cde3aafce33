// Node's HTTP parser: reads streams of requests, in base64 and JSON, and prints what it makes of each.
import http from "node:http";
import net from "node:net";
import { given, lines } from "./text.mjs";

let found;
const server = http.createServer({ joinDuplicateHeaders: false });

async function note(request, response) {
  const entry = { method: request.method, target: request.url, host: request.headers.host };
  found.push(entry);
  const pieces = await request.toArray();
  Object.assign(entry, { fields: lines(request.rawHeaders), body: Buffer.concat(pieces).toString("latin1") });
  response.end();
}

server.on("request", note);
// Requests that expect 100 or ask for an upgrade are requests like others here.
server.on("checkContinue", note);
server.on("clientError", (error) => {
  console.error(error);
  process.exit(1);
});
server.keepAliveTimeout = 0;

function read(stream) {
  found = [];
  return new Promise((resolve) => {
    const client = net.connect(server.address().port, "127.0.0.1");
    client.resume();
    client.on("close", () => resolve(found));
    client.end(Buffer.from(stream, "base64"));
  });
}

await new Promise((resolve) => server.listen(0, "127.0.0.1", resolve));
const all = [];
for (const stream of given()) all.push(await read(stream));
console.log(JSON.stringify(all));
server.close();
