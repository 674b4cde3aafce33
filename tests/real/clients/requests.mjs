// Node's HTTP parser: reads a stream of requests from standard input and prints what it makes of them.
import http from "node:http";
import net from "node:net";

const found = [];
const server = http.createServer({ joinDuplicateHeaders: false });

async function note(request, response) {
  const entry = { method: request.method, target: request.url, host: request.headers.host };
  found.push(entry);
  const pieces = await request.toArray();
  const fields = [];
  for (let at = 0; at < request.rawHeaders.length; at += 2) {
    fields.push(`${request.rawHeaders[at].toLowerCase()}: ${request.rawHeaders[at + 1]}`);
  }
  Object.assign(entry, { fields, body: Buffer.concat(pieces).toString("latin1") });
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
server.listen(0, "127.0.0.1", () => {
  const client = net.connect(server.address().port, "127.0.0.1");
  client.resume();
  client.on("close", () => {
    console.log(JSON.stringify(found));
    server.close();
  });
  process.stdin.pipe(client);
});
