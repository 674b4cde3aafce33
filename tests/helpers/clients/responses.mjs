// Node's parser of HTTP/1.1 responses, the one in its client: reads streams in base64 and JSON, and
// prints what it makes of each. The client itself never has more than one answer to read at a time.
import { createRequire } from "node:module";
import { given, lines } from "./text.mjs";

const { HTTPParser } = createRequire(import.meta.url)("_http_common");
const HAS_NO_BODY = 1;

function read({ methods, stream }) {
  const found = [], left = [...methods], parser = new HTTPParser();
  let raw, pieces;
  parser.initialize(HTTPParser.RESPONSE, {});
  parser[HTTPParser.kOnMessageBegin | 0] = () => ([raw, pieces] = [[], []]);
  parser[HTTPParser.kOnHeaders | 0] = (headers) => raw.push(...headers);
  parser[HTTPParser.kOnHeadersComplete | 0] = (_major, _minor, headers, _method, _url, status, reason) => {
    raw.push(...(headers ?? []));
    found.push({ status, reason, fields: lines(raw) });
    return status >= 200 && left.shift() === "HEAD" ? HAS_NO_BODY : 0;
  };
  parser[HTTPParser.kOnBody | 0] = (piece) => pieces.push(Buffer.from(piece));
  parser[HTTPParser.kOnMessageComplete | 0] = () => {
    found.at(-1).body = Buffer.concat(pieces).toString("latin1");
  };
  const fault = [parser.execute(Buffer.from(stream, "base64")), parser.finish()].find((it) => it instanceof Error);
  if (fault) throw fault;
  return found;
}

console.log(JSON.stringify(given().map(read)));
